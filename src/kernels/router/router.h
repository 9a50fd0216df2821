#pragma once
// The router of DeepSeekMoE, after the logits e_i · u. DeepSeek-V3 report eq. 12-16 (sigmoid, noaux_tc); V2 report 2.2 (softmax).
//   s = sigmoid(logits) or softmax(logits)            t = s + bias (sigmoid family) or s
//   group score: sum of the 2 largest t (noaux_tc), or max t (group_limited_greedy); the topk_group best groups stay, others -inf
//   S = the top_k largest t, ties to the lower index, in descending order of t
//   normalise: g_i = s_i / (sum_{j in S} s_j + 1e-20) * scaling ; else g_i = s_i * scaling
// (V2 with norm_topk_prob divides and does not scale: pass scaling = 1.)
#include <cstdint>

namespace minke {

struct RouterShape {
  int64_t experts = 0, top_k = 0;
  int64_t groups = 1, top_groups = 1;
  bool softmax = false;        // else sigmoid
  bool group_top2 = true;      // else group max
  bool normalise = true;
  float scaling = 1;
};

// logits [rows, experts] f32; bias [experts] or null. Out: scores s [rows, experts], chosen [rows, top_k], weights g [rows, top_k].
void router_forward(const RouterShape& shape, int64_t rows, const float* logits, const float* bias, float* scores, int32_t* chosen, float* weights);
// The weights g alone, of any selection: chosen [rows, top_k], distinct within a row.
void router_weights(const RouterShape& shape, int64_t rows, const float* scores, const int32_t* chosen, float* weights);
// d_weights [rows, top_k] -> d_logits [rows, experts], overwritten. d_scores (or null) [rows, experts] is an extra gradient on s
// (the sequence-wise balance loss), added before going through the sigmoid or softmax.
void router_backward(const RouterShape& shape, int64_t rows, const float* scores, const int32_t* chosen, const float* d_weights,
                     const float* d_scores, float* d_logits);

// Sequence-wise balance loss, report eq. 17-20, of one sequence of T rows:
//   f_i = N/(K T) #{t : i in Topk(s_t)}  (unbiased, no groups)     P_i = 1/T sum_t s_ti / sum_j s_tj     loss = alpha sum_i f_i P_i
// Returns the loss; adds alpha-weighted ds to d_scores [rows, experts] when it is not null.
double balance_loss(int64_t experts, int64_t top_k, int64_t rows, const float* scores, float alpha, float* d_scores);

}  // namespace minke
