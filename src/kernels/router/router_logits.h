#pragma once
// The router's own product, e_i · u, and its gradients. Weights and products are f32 whatever the model computes in (as in DeepSeek's
// code): a router in bf16 sends near-ties elsewhere. A logit is summed in 16 lanes (element i in lane i mod 16, in order), the
// lanes in a fixed tree, so that it depends on its row and its expert alone.
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

// logits [rows, experts] f32 = x [rows, n] of x_dtype · W', W [experts, n] f32. All contiguous.
void router_logits_forward(DType x_dtype, int64_t rows, int64_t experts, int64_t n, const void* x, const float* w, float* logits);
// dx [rows, n] f32 += d_logits · W, summed over experts in order from zero.
void router_logits_backward_x(int64_t rows, int64_t experts, int64_t n, const float* d_logits, const float* w, float* dx);
// dW [experts, n] f32 += d_logits' · x. Rows are summed in order inside chunks of 64, each from zero and added to dW in order.
void router_logits_backward_w(DType x_dtype, int64_t rows, int64_t experts, int64_t n, const void* x, const float* d_logits, float* dw);

}  // namespace minke
