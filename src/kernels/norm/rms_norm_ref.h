#pragma once
// RMSNorm as its equations, over any scalar; rows contiguous. The fast path is compared with this.
#include <cmath>
#include <complex>
#include <cstdint>

namespace minke {

template <class T>
void rms_norm_forward_ref(int64_t rows, int64_t n, double eps, const T* x, const T* w, T* y, T* rstd) {
  for (int64_t row = 0; row < rows; ++row, x += n, y += n) {
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
    const T r = T(1) / std::sqrt(sum / T(n) + T(eps));
    for (int64_t i = 0; i < n; ++i) y[i] = w[i] * x[i] * r;
    if (rstd) rstd[row] = r;
  }
}

// dx is overwritten, dw added to.
template <class T>
void rms_norm_backward_ref(int64_t rows, int64_t n, const T* x, const T* w, const T* rstd, const T* dy, T* dx, T* dw) {
  for (int64_t row = 0; row < rows; ++row, x += n, dy += n, dx += n) {
    const T r = rstd[row];
    T mean = 0;
    for (int64_t i = 0; i < n; ++i) mean += w[i] * dy[i] * x[i];
    mean /= T(n);
    for (int64_t i = 0; i < n; ++i) {
      dx[i] = r * (w[i] * dy[i] - x[i] * r * r * mean);
      dw[i] += dy[i] * x[i] * r;
    }
  }
}

}  // namespace minke
