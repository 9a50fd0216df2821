#pragma once
// AdamW (Loshchilov and Hutter 2019), f32 weights and gradients, moments in f32 or bf16 (DeepSeek-V3 report 3.3.2):
//   m = b1 m + (1-b1) g     v = b2 v + (1-b2) g^2     w -= lr (m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps) + decay w)
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

// Moments are stored in their dtype; the weights move by the moments before that rounding.
struct AdamW {
  float lr = 0, beta1 = 0.9f, beta2 = 0.95f, eps = 1e-8f, decay = 0.1f;
  int64_t step = 1;             // t, from 1
  float grad_scale = 1;         // clipping: multiplies every gradient
};
void adamw_update(const AdamW& a, DType moment_dtype, int64_t n, float* w, const float* g, void* m, void* v);

// Sum of squares in double, in fixed chunks added in order; NaN and infinity come through.
double sum_of_squares(int64_t n, const float* x);

}  // namespace minke
