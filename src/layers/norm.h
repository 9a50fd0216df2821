#pragma once
// RMSNorm with its weight: kernels/norm seen from a layer.
#include "kernels/norm/rms_norm.h"
#include "tensor/view.h"

namespace minke {

struct Norm {
  int64_t n = 0;
  float eps = 1e-6f;
  const float* w = nullptr;  // [n]
  float* dw = nullptr;       // [n]; null unless training
};

inline void norm_forward(const Norm& p, View x, View y, float* rstd) {
  MINKE_CHECK_EQ(x.cols, p.n);
  rms_norm_forward(x.rows, p.n, p.eps, x.dtype, x.data, x.ld, p.w, y.dtype, y.data, y.ld, rstd);
}

// dx is overwritten, or added to (the residual stream's gradient).
inline void norm_backward(const Norm& p, View x, const float* rstd, View dy, View dx, bool add_dx) {
  MINKE_CHECK_EQ(x.cols, p.n);
  rms_norm_backward(x.rows, p.n, x.dtype, x.data, x.ld, p.w, rstd, dy.dtype, dy.data, dy.ld, dx.dtype, dx.data, dx.ld, add_dx, p.dw);
}

}  // namespace minke
