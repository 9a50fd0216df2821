#pragma once
// RMSNorm over the last dimension: y_i = w_i x_i r, r = 1 / sqrt(mean(x^2) + eps). Zhang and Sennrich 2019; statistics in f32.
//   dx_i = r (w_i dy_i - x_i r^2 mean_j(w_j dy_j x_j))      dw_i += sum_rows dy_i x_i r
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

// x [rows, n] of x_dtype with row stride ld_x; w [n] f32; y [rows, n] of y_dtype with row stride ld_y; rstd [rows] or null.
void rms_norm_forward(int64_t rows, int64_t n, float eps, DType x_dtype, const void* x, int64_t ld_x, const float* w, DType y_dtype, void* y,
                      int64_t ld_y, float* rstd);
// dy [rows, n] of dy_dtype; dx of dx_dtype: overwritten, or added to when add_dx (f32 only); dw [n] f32 is added to, rows in
// fixed chunks of 64 whose sums are added in order.
void rms_norm_backward(int64_t rows, int64_t n, DType x_dtype, const void* x, int64_t ld_x, const float* w, const float* rstd, DType dy_dtype,
                       const void* dy, int64_t ld_dy, DType dx_dtype, void* dx, int64_t ld_dx, bool add_dx, float* dw);

}  // namespace minke
