#pragma once
// A mixture's sum over a row's experts and its gradients as their equations, over any scalar. place[row * top_k + k] is where the
// plan put a slot; what a permuted row holds is x[row] (permute_rows) or what the expert made of it (combine_rows).
#include <cstdint>

namespace minke {

template <class T>
void permute_rows_ref(int64_t rows, int64_t top_k, int64_t n, const int32_t* place, const T* x, T* out) {
  for (int64_t slot = 0; slot < rows * top_k; ++slot)
    for (int64_t i = 0; i < n; ++i) out[place[slot] * n + i] = x[slot / top_k * n + i];
}

template <class T>
void permute_rows_backward_ref(int64_t rows, int64_t top_k, int64_t n, const int32_t* place, const T* d_permuted, T* dx) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < n; ++i) {
      T sum = 0;
      for (int64_t k = 0; k < top_k; ++k) sum += d_permuted[place[row * top_k + k] * n + i];
      dx[row * n + i] += sum;
    }
}

template <class T>
void combine_rows_ref(int64_t rows, int64_t top_k, int64_t n, const int32_t* place, const T* expert_out, const T* weights, T* y) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < n; ++i) {
      T sum = 0;
      for (int64_t k = 0; k < top_k; ++k) sum += weights[row * top_k + k] * expert_out[place[row * top_k + k] * n + i];
      y[row * n + i] += sum;
    }
}

template <class T>
void combine_rows_backward_ref(int64_t rows, int64_t top_k, int64_t n, const int32_t* place, const T* dy, const T* expert_out, const T* weights,
                               T* d_expert_out, T* d_weights) {
  for (int64_t slot = 0; slot < rows * top_k; ++slot) {
    const T *d = dy + slot / top_k * n, *e = expert_out + place[slot] * n;
    T dot = 0;
    for (int64_t i = 0; i < n; ++i) {
      d_expert_out[place[slot] * n + i] = weights[slot] * d[i];
      dot += d[i] * e[i];
    }
    d_weights[slot] = dot;
  }
}

}  // namespace minke
