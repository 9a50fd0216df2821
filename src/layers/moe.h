#pragma once
// DeepSeekMoE. Report section 2.1.2, eq. 12-16; N routed experts, K chosen.
//   s = sigmoid(u We'), t = s + b             mlp.gate.weight, e_score_correction_bias (or V2's softmax gate)
//   S = top-K of t within the best groups      g_i = s_i / sum_{j in S} s_j * routed_scaling_factor
//   h += sum_{i in S} g_i Expert_i(u) + Shared(u)
// No token is dropped. b is not trained: the trainer moves it by the experts' loads (section 2.1.2, "auxiliary-loss-free").
#include <vector>

#include "kernels/permute/permute.h"
#include "kernels/router/router.h"
#include "layers/mlp.h"
#include "layers/rows.h"

namespace minke {

struct Router {
  RouterShape shape;
  const float* w = nullptr;     // [N, D], values of the compute dtype
  const float* bias = nullptr;  // [N], or null
  float* dw = nullptr;          // [N, D]; null unless training
};

struct Moe {
  Router router;
  std::vector<Linear> gate_up_proj, down_proj;  // [N]
  bool has_shared = false;
  Mlp shared_experts;
};

// Experts that another pass chose for the same rows, to be taken instead of the router's choice: a policy learns through the experts that
// its rollout took. Scores and gates, and so the gradients, are those of the pass at hand.
struct ExpertReplay {
  const uint16_t* experts = nullptr;  // of row t: [K] at t * stride, in the order of their slots; null: nothing is replayed
  int64_t stride = 0;
};

struct MoeSaved {
  float *scores = nullptr, *weights = nullptr;  // [T, N], [T, K]
  int32_t* chosen = nullptr;                    // [T, K]
  int64_t replay_differs = 0;                   // replayed experts that the router would not have chosen
  ExpertPlan plan;
  View x;           // [T K, D] rows in expert order
  View gate_up;     // [T K, 2I]
  View out;         // [T K, D]
  MlpSaved shared;
};

// The sequence-wise balance loss (eq. 17-20): the mean over sequences. Where attention is masked, a document counts as a sequence in
// proportion to its rows.
struct BalanceLoss {
  float alpha = 0;                 // its weight; 0: none
  int64_t sequences_of_step = 1;
  int64_t sequences_of_pass = 1;   // in the rows at hand
};

void moe_forward(const Moe& p, View u, View h, MoeSaved& s, Arena& arena, const ExpertReplay& replay = {});
// du [T, D] f32 is overwritten. dy_f32 and dy are the same gradient in f32 and in compute dtype. Returns the balance
// loss, whose gradient goes through the gate too.
double moe_backward(const Moe& p, const MoeSaved& s, const Rows& rows, const BalanceLoss& balance, View u, View dy_f32, View dy, View du,
                    Arena& arena);

}  // namespace minke
