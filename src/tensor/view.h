#pragma once
// A matrix somewhere in memory: rows of `cols` elements, `ld` elements apart. It owns nothing and is passed by value.
#include <cstdint>
#include <cstring>

#include "base/buffer.h"
#include "base/error.h"
#include "numeric/dtype.h"

namespace minke {

struct View {
  DType dtype = DType::kF32;
  void* data = nullptr;
  int64_t rows = 0, cols = 0, ld = 0;

  void* row(int64_t r) const { return static_cast<char*>(data) + size_t(r * ld) * dtype_bytes(dtype); }
  float* f32() const {
    MINKE_CHECK(dtype == DType::kF32);
    return static_cast<float*>(data);
  }
  // Columns [first, first + n) of every row.
  View columns(int64_t first, int64_t n) const {
    MINKE_CHECK_LE(first + n, cols);
    return {dtype, static_cast<char*>(data) + size_t(first) * dtype_bytes(dtype), rows, n, ld};
  }
  View slice(int64_t first, int64_t n) const {
    MINKE_CHECK_LE(first + n, rows);
    return {dtype, row(first), n, cols, ld};
  }
  bool contiguous() const { return ld == cols || rows <= 1; }
};

// Uninitialised [rows, cols] from an arena.
inline View take(Arena& arena, DType dtype, int64_t rows, int64_t cols) {
  return {dtype, arena.take(size_t(rows * cols) * dtype_bytes(dtype)), rows, cols, cols};
}

void copy(View from, View to);          // same shape; converts between f32 and bf16; runs over the pool
void fill_zero(View x);

}  // namespace minke
