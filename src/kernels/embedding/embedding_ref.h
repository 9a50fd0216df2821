#pragma once
// A table's rows and their gradient as plain loops, over any scalar.
#include <cstdint>

namespace minke {

template <class T>
void embedding_forward_ref(int64_t rows, int64_t n, const int32_t* ids, const T* table, T* out) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < n; ++i) out[row * n + i] = table[ids[row] * n + i];
}

template <class T>
void embedding_backward_ref(int64_t rows, int64_t n, const int32_t* ids, const T* dy, T* d_table) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < n; ++i) d_table[ids[row] * n + i] += dy[row * n + i];
}

}  // namespace minke
