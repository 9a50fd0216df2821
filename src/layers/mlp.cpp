#include "layers/mlp.h"

#include "kernels/swiglu/swiglu.h"

namespace minke {

void mlp_forward(const Mlp& p, View u, View h, MlpSaved& s, Arena& arena) {
  const int64_t inner = p.down_proj.in;
  s.gate_up = take(arena, u.dtype, u.rows, 2 * inner);
  linear_forward(p.gate_up_proj, u, s.gate_up);
  ArenaScope scope(arena);
  View act = take(arena, u.dtype, u.rows, inner);
  swiglu_forward(u.dtype, u.rows, inner, s.gate_up.data, act.data);
  linear_forward(p.down_proj, act, h, Store::kAdd);
}

void mlp_backward(const Mlp& p, const MlpSaved& s, View u, View dy, View du, Store store, Arena& arena) {
  const int64_t inner = p.down_proj.in;
  ArenaScope scope(arena);
  View d_act = take(arena, u.dtype, u.rows, inner), act = take(arena, u.dtype, u.rows, inner);
  View d_gate_up = take(arena, u.dtype, u.rows, 2 * inner);
  linear_backward_input(p.down_proj, dy, d_act);
  swiglu_backward(u.dtype, u.rows, inner, s.gate_up.data, d_act.data, d_gate_up.data, act.data);
  linear_backward_weight(p.down_proj, act, dy);
  linear_backward_input(p.gate_up_proj, d_gate_up, du, store);
  linear_backward_weight(p.gate_up_proj, u, d_gate_up);
}

}  // namespace minke
