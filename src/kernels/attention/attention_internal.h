#pragma once
// What forward and backward share: rows of one head as contiguous blocks.
#include <cstdint>
#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/attention/key_tiles.h"
#include "kernels/math/row_format.h"

namespace minke {

// Pairs of a query and a key that it sees, over all heads.
inline double pairs(const AttentionShape& a, std::span<const AttentionSegment> segments) {
  double sum = 0;
  for (const AttentionSegment& s : segments) sum += double(s.n_q) * (double(s.first) + double(s.n_q + 1) / 2);
  return sum * double(a.heads);
}

inline const char* element(const void* base, int64_t index, int64_t bytes) { return static_cast<const char*>(base) + index * bytes; }
inline char* element(void* base, int64_t index, int64_t bytes) { return static_cast<char*>(base) + index * bytes; }

// dst[r] = row r of source for r < rows, zeros up to padded_rows. Rows of dst are `ld` elements apart.
inline void copy_rows(const void* source, int64_t stride, int64_t width, int64_t rows, int64_t padded_rows, int64_t bytes, void* dst,
                      int64_t ld) {
  constexpr int64_t kChunk = 16;   // rows of a head are short: a call of memcpy a row would cost more than the copy
  const int64_t row_bytes = width * bytes, whole = row_bytes / kChunk * kChunk;
  for (int64_t r = 0; r < rows; ++r) {
    const char* from = element(source, r * stride, bytes);
    char* to = element(dst, r * ld, bytes);
    for (int64_t c = 0; c < whole; c += kChunk) std::memcpy(to + c, from + c, kChunk);
    if (whole < row_bytes) std::memcpy(to + whole, from + whole, size_t(row_bytes - whole));
  }
  for (int64_t r = rows; r < padded_rows; ++r) std::memset(element(dst, r * ld, bytes), 0, size_t(row_bytes));
}

// Columns of a matrix of f32 in dtype; rows `ld` and `stride` elements apart.
inline void store_rows(const float* from, int64_t ld, int64_t rows, int64_t n, DType t, void* to, int64_t stride) {
  if (t == DType::kF32) return copy_rows(from, ld, n, rows, rows, 4, to, stride);
  const Bf16Encoder encode = bf16_encoder();
  bf16* row = static_cast<bf16*>(to);
  for (int64_t r = 0; r < rows; ++r, from += ld, row += stride) {
    __builtin_prefetch(row + 8 * stride, 1);
    encode(from, row, n);
  }
}

inline KeyRows key_rows(const AttentionShape& a, const AttentionSegment& s, int64_t from) {
  const int64_t bytes = int64_t(dtype_bytes(a.dtype));
  return {element(s.k_nope, from * a.k_nope_row, bytes), element(s.k_rope, from * a.k_rope_row, bytes), element(s.v, from * a.v_row, bytes)};
}

// The first `rows` keys of head h as [padded_rows, d_nope + d_rope].
inline void copy_keys(const AttentionShape& a, const KeyRows& keys, int64_t h, int64_t rows, int64_t padded_rows, void* dst) {
  const int64_t bytes = int64_t(dtype_bytes(a.dtype)), d = a.d_nope + a.d_rope;
  copy_rows(element(keys.k_nope, h * a.k_nope_head, bytes), a.k_nope_row, a.d_nope, rows, padded_rows, bytes, dst, d);
  if (a.d_rope) copy_rows(keys.k_rope, a.k_rope_row, a.d_rope, rows, padded_rows, bytes, element(dst, a.d_nope, bytes), d);
}

}  // namespace minke
