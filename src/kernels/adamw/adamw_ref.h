#pragma once
// AdamW as its equations, over any scalar, moments unrounded.
#include <cmath>
#include <cstdint>

#include "kernels/adamw/adamw.h"

namespace minke {

template <class T>
void adamw_update_ref(const AdamW& a, int64_t n, T* w, const T* grad, T* m, T* v) {
  const T b1 = a.beta1, b2 = a.beta2, lr = a.lr;
  const T m_correction = T(1) - std::pow(b1, T(a.step)), v_correction = T(1) - std::pow(b2, T(a.step));
  for (int64_t i = 0; i < n; ++i) {
    const T g = grad[i] * T(a.grad_scale);
    m[i] = b1 * m[i] + (T(1) - b1) * g;
    v[i] = b2 * v[i] + (T(1) - b2) * g * g;
    w[i] -= lr * (m[i] / m_correction / (std::sqrt(v[i] / v_correction) + T(a.eps)) + T(a.decay) * w[i]);
  }
}

}  // namespace minke
