#pragma once
// SwiGLU's elementwise part as its equations, over any scalar.
#include <cmath>
#include <complex>
#include <cstdint>

namespace minke {

template <class T>
void swiglu_forward_ref(int64_t rows, int64_t n, const T* gate_up, T* h) {
  for (int64_t row = 0; row < rows; ++row, gate_up += 2 * n, h += n)
    for (int64_t i = 0; i < n; ++i) {
      const T g = gate_up[i], u = gate_up[n + i];
      h[i] = g / (T(1) + std::exp(-g)) * u;
    }
}

template <class T>
void swiglu_backward_ref(int64_t rows, int64_t n, const T* gate_up, const T* dh, T* d_gate_up) {
  for (int64_t row = 0; row < rows; ++row, gate_up += 2 * n, dh += n, d_gate_up += 2 * n)
    for (int64_t i = 0; i < n; ++i) {
      const T g = gate_up[i], u = gate_up[n + i];
      const T sigmoid = T(1) / (T(1) + std::exp(-g));
      d_gate_up[i] = dh[i] * u * sigmoid * (T(1) + g * (T(1) - sigmoid));
      d_gate_up[n + i] = dh[i] * g * sigmoid;
    }
}

}  // namespace minke
