#pragma once
// Cross-entropy as its equations, over any scalar.
#include <cmath>
#include <complex>
#include <cstdint>

namespace minke {

template <class T>
T log_sum_exp_ref(int64_t n, const T* logits) {
  double top = std::real(logits[0]);  // a shift changes nothing, so it may be a plain number
  for (int64_t i = 1; i < n; ++i)
    if (std::real(logits[i]) > top) top = std::real(logits[i]);
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(logits[i] - T(top));
  return T(top) + std::log(sum);
}

template <class T>
void cross_entropy_rows_ref(int64_t rows, int64_t n, const T* logits, const int32_t* targets, const T* scale, T* nll, T* d_logits) {
  for (int64_t row = 0; row < rows; ++row, logits += n, d_logits += n) {
    const int32_t target = targets[row];
    const T lse = log_sum_exp_ref(n, logits);
    nll[row] = target < 0 ? T(0) : lse - logits[target];
    for (int64_t i = 0; i < n; ++i)
      d_logits[i] = target < 0 ? T(0) : scale[row] * (std::exp(logits[i] - lse) - T(i == target ? 1 : 0));
  }
}

}  // namespace minke
