#pragma once
// The SwiGLU block: y = (silu(u Wg) * (u Wu)) Wd. gate_proj and up_proj are one product [2I, D]: rows of the
// gate, then of the up, which lie side by side in memory.
#include "layers/linear.h"

namespace minke {

struct Mlp {
  Linear gate_up_proj;  // in D, out 2I
  Linear down_proj;     // in I, out D
};

struct MlpSaved {
  View gate_up;         // [T, 2I]
};

// h [T, D] f32 gains the output for u [T, D].
void mlp_forward(const Mlp& p, View u, View h, MlpSaved& s, Arena& arena);
// dy [T, D] of compute dtype; du [T, D] f32 is set or added to.
void mlp_backward(const Mlp& p, const MlpSaved& s, View u, View dy, View du, Store store, Arena& arena);

}  // namespace minke
