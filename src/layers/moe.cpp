#include "layers/moe.h"

#include <algorithm>

#include "kernels/router/router_logits.h"
#include "kernels/swiglu/swiglu.h"

namespace minke {

namespace {

// Puts the given experts in the place of s.chosen, counts those that were not there, and weighs them.
void replay_experts(const RouterShape& r, int64_t t, const ExpertReplay& replay, MoeSaved& s) {
  for (int64_t row = 0; row < t; ++row) {
    const uint16_t* given = replay.experts + row * replay.stride;
    int32_t* chosen = s.chosen + row * r.top_k;
    for (int64_t k = 0; k < r.top_k; ++k) {
      MINKE_CHECK_LT(int64_t(given[k]), r.experts);
      s.replay_differs += std::find(chosen, chosen + r.top_k, int32_t(given[k])) == chosen + r.top_k;
    }
    std::copy_n(given, r.top_k, chosen);
  }
  router_weights(r, t, s.scores, s.chosen, s.weights);
}

}  // namespace

void moe_forward(const Moe& p, View u, View h, MoeSaved& s, Arena& arena, const ExpertReplay& replay) {
  const RouterShape& r = p.router.shape;
  const int64_t t = u.rows, d = u.cols, slots = t * r.top_k, inner = p.down_proj[0].in;
  MINKE_CHECK(u.contiguous() && h.contiguous());
  s.scores = arena.take<float>(t * r.experts);
  s.weights = arena.take<float>(slots);
  s.chosen = arena.take<int32_t>(slots);
  s.x = take(arena, u.dtype, slots, d);
  s.gate_up = take(arena, u.dtype, slots, 2 * inner);
  s.out = take(arena, u.dtype, slots, d);
  if (p.has_shared) mlp_forward(p.shared_experts, u, h, s.shared, arena);

  ArenaScope scope(arena);
  float* logits = arena.take<float>(t * r.experts);
  router_logits_forward(u.dtype, t, r.experts, d, u.data, p.router.w, logits);
  router_forward(r, t, logits, p.router.bias, s.scores, s.chosen, s.weights);
  s.replay_differs = 0;
  if (replay.experts) replay_experts(r, t, replay, s);
  plan_experts(t, r.top_k, r.experts, s.chosen, s.plan);
  permute_rows(u.dtype, s.plan, r.top_k, d, u.data, s.x.data);
  grouped_forward(p.gate_up_proj, s.plan.offsets, s.x, s.gate_up);
  View act = take(arena, u.dtype, slots, inner);
  swiglu_forward(u.dtype, slots, inner, s.gate_up.data, act.data);
  grouped_forward(p.down_proj, s.plan.offsets, act, s.out);
  combine_rows(u.dtype, s.plan, t, r.top_k, d, s.out.data, s.weights, h.f32());
}

double moe_backward(const Moe& p, const MoeSaved& s, const Rows& rows, const BalanceLoss& balance, View u, View dy_f32, View dy, View du,
                    Arena& arena) {
  const RouterShape& r = p.router.shape;
  const int64_t t = u.rows, d = u.cols, slots = t * r.top_k, inner = p.down_proj[0].in;
  ArenaScope scope(arena);

  // h += sum g_i Expert_i(u)
  View d_out = take(arena, u.dtype, slots, d), d_act = take(arena, u.dtype, slots, inner), act = take(arena, u.dtype, slots, inner);
  View d_gate_up = take(arena, u.dtype, slots, 2 * inner);
  float* d_weights = arena.take<float>(slots);
  combine_rows_backward(u.dtype, s.plan, t, r.top_k, d, dy_f32.f32(), s.out.data, s.weights, d_out.data, d_weights);
  grouped_backward_input(p.down_proj, s.plan.offsets, d_out, d_act);
  swiglu_backward(u.dtype, slots, inner, s.gate_up.data, d_act.data, d_gate_up.data, act.data);
  grouped_backward_weight(p.down_proj, s.plan.offsets, act, d_out);
  View dx = d_out;  // its values are spent
  grouped_backward_input(p.gate_up_proj, s.plan.offsets, d_gate_up, dx);
  grouped_backward_weight(p.gate_up_proj, s.plan.offsets, s.x, d_gate_up);

  if (p.has_shared)
    mlp_backward(p.shared_experts, s.shared, u, dy, du, Store::kSet, arena);
  else
    fill_zero(du);
  permute_rows_backward(u.dtype, s.plan, t, r.top_k, d, dx.data, du.f32());

  // The gate: through g, and through the balance loss's P.
  double balance_value = 0;
  float* d_scores = nullptr;
  if (balance.alpha > 0) {
    const View zeroed = take(arena, DType::kF32, t, r.experts);
    fill_zero(zeroed);
    d_scores = zeroed.f32();
    for (const RowSegment& seg : rows.segments) {
      const float share = float(seg.n * balance.sequences_of_pass) / float(t * balance.sequences_of_step);
      balance_value += balance_loss(r.experts, r.top_k, seg.n, s.scores + seg.begin * r.experts, balance.alpha * share, d_scores + seg.begin * r.experts);
    }
  }
  float* d_logits = arena.take<float>(t * r.experts);
  router_backward(r, t, s.scores, s.chosen, d_weights, d_scores, d_logits);
  router_logits_backward_x(t, r.experts, d, d_logits, p.router.w, du.f32());
  router_logits_backward_w(u.dtype, t, r.experts, d, u.data, d_logits, p.router.dw);
  return balance_value;
}

}  // namespace minke
