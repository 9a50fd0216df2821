#pragma once
// Matrices in FP8 with a scale for each block, as DeepSeek-V3 quantises (report, section 3.3.2): E4M3 codes q and scales s with
//   s[i, j] = max |x| over block (i, j) / 448        x[r, c] ~ q[r, c] * s[r / block.rows, c / block.cols]
// from the tensor at hand. Activations and their gradients go in tiles of 1 x 128 along the product's inner dimension, weights in
// blocks of 128 x 128. Blocks at the right and lower edge are as large as what is left. A block of zeros has scale 1; a block that
// holds a NaN or an infinity becomes NaN everywhere.
//
// Plain and single-threaded: what faster forms are compared with. Sums and products are float32; x may be f32 or bf16.
#include <bit>
#include <cstdint>

#include "numeric/dtype.h"
#include "numeric/fp8.h"

namespace minke {

struct Fp8Block {
  int64_t rows = 0, cols = 0;
  bool operator==(const Fp8Block&) const = default;
};
inline constexpr Fp8Block kFp8ActivationTile{1, 128}, kFp8WeightBlock{128, 128};

enum class Fp8Scale : uint8_t {
  kF32,         // max / 448 in float32, as V3 is published
  kPowerOfTwo,  // the smallest power of two that is not below max / 448 (V3.1's ue8m0): scaling then only moves exponents
};

// The scale of a block whose largest magnitude has these float32 bits. At least 2^-126, so that x / s and q * s stay normal numbers.
inline float fp8_scale(uint32_t max_bits, Fp8Scale scale) {
  constexpr uint32_t kOne = 0x3F800000u, kSmallest = 0x00800000u, kInfinity = 0x7F800000u;
  if (max_bits == 0) return std::bit_cast<float>(kOne);
  if (max_bits >= kInfinity) return std::bit_cast<float>(kInfinity);
  if (scale == Fp8Scale::kF32) {
    const float s = std::bit_cast<float>(max_bits) / E4M3::kMax;
    return s > 0x1p-126f ? s : 0x1p-126f;
  }
  // max = m 2^e with 1 <= m < 2, and 448 = 1.75 x 2^8.
  const int64_t exponent = int64_t(max_bits >> 23) - 8 + ((max_bits & 0x7FFFFFu) > 0x600000u);
  return std::bit_cast<float>(exponent < 1 ? kSmallest : uint32_t(exponent) << 23);
}

// How a [rows, cols] matrix is cut.
struct Fp8Cut {
  int64_t rows = 0, cols = 0;
  Fp8Block block;
  int64_t scale_rows() const { return (rows + block.rows - 1) / block.rows; }
  int64_t scale_cols() const { return (cols + block.cols - 1) / block.cols; }
};

// x, y: rows `ld` elements apart. scales: [scale_rows, scale_cols], codes: [rows, cols], both without gaps; codes need no alignment.
void fp8_scales(const Fp8Cut& cut, DType dtype, const void* x, int64_t ld, Fp8Scale scale, float* scales);
void fp8_quantise(const Fp8Cut& cut, DType dtype, const void* x, int64_t ld, const float* scales, uint8_t* codes);
void fp8_dequantise(const Fp8Cut& cut, const uint8_t* codes, const float* scales, DType dtype, void* y, int64_t ld);
// In place what the three above do one after another. With power-of-two scales bf16 holds the result exactly (subnormals apart).
void fp8_fake_quantise(const Fp8Cut& cut, DType dtype, void* x, int64_t ld, Fp8Scale scale);

}  // namespace minke
