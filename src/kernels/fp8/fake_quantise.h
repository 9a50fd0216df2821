#pragma once
// FP8 emulated: values rounded to an FP8 grid under power-of-two scales and kept as bf16, which holds them exactly. Products of such
// operands in bf16 with f32 sums are then what FP8 tensor cores compute with sums in f32 (report, section 3.3).
//   y = s round(x / s),   s the smallest power of two with max |x| / s <= the grid's largest number, over x's block
// A block of zeros stays zeros; one that holds a NaN or an infinity becomes NaN everywhere. numeric/fp8_block.h is the reference.
#include <cstdint>
#include <span>

#include "numeric/bf16.h"
#include "numeric/dtype.h"
#include "numeric/fp8_block.h"

namespace minke {

enum class Fp8Grid : uint8_t { kE4M3, kE5M2 };

// x [rows, cols] of f32 or bf16, rows ld apart; y [rows, cols] without gaps. Blocks at the edges are as large as what is left.
struct FakeQuantise {
  Fp8Grid grid = Fp8Grid::kE4M3;
  DType dtype = DType::kBF16;
  int64_t rows = 0, cols = 0;
  const void* x = nullptr;
  int64_t ld = 0;
  bf16* y = nullptr;
};

// block.cols > 1: tiles along a row {1, n}, or blocks.
void fake_quantise(const FakeQuantise& q, Fp8Block block);
// Tiles of `tile` rows by one column, counted from each row in `offsets` (ascending, the last is q.rows).
void fake_quantise_columns(const FakeQuantise& q, int64_t tile, std::span<const int64_t> offsets);
// One block: its scale sees every row.
void fake_quantise_whole(const FakeQuantise& q);

}  // namespace minke
