#pragma once
// Rows of a table by token id, and the gradient's way back.
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

// out [rows, n] f32 = table[ids[row]]; table [vocab, n] of dtype.
void embedding_forward(DType dtype, int64_t rows, int64_t n, const int32_t* ids, const void* table, float* out);
// d_table [vocab, n] f32 += dy rows [rows, n] f32, for equal ids in row order whatever the thread count.
void embedding_backward(int64_t rows, int64_t n, const int32_t* ids, const float* dy, float* d_table);

}  // namespace minke
