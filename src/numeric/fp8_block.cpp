#include "numeric/fp8_block.h"

#include <algorithm>

#include "base/error.h"

namespace minke {
namespace {

float get(float x) { return x; }
float get(bf16 x) { return bf16_to_f32(x); }
void put(float* to, float x) { *to = x; }
void put(bf16* to, float x) { *to = bf16_from_f32(x); }

// Calls run(block number, block's first row, first column, rows, columns) for each block, row by row.
template <class Run>
void each_block(const Fp8Cut& cut, const Run& run) {
  int64_t index = 0;
  for (int64_t r = 0; r < cut.rows; r += cut.block.rows)
    for (int64_t c = 0; c < cut.cols; c += cut.block.cols, ++index)
      run(index, r, c, std::min(cut.block.rows, cut.rows - r), std::min(cut.block.cols, cut.cols - c));
}

// `run` with x as what it is.
template <class Run>
void typed(DType dtype, const void* x, const Run& run) {
  if (dtype == DType::kF32) return run(static_cast<const float*>(x));
  MINKE_CHECK(dtype == DType::kBF16);
  run(static_cast<const bf16*>(x));
}
template <class Run>
void typed(DType dtype, void* x, const Run& run) {
  if (dtype == DType::kF32) return run(static_cast<float*>(x));
  MINKE_CHECK(dtype == DType::kBF16);
  run(static_cast<bf16*>(x));
}

// Magnitudes order like their bits, NaN above infinity.
template <class T>
uint32_t block_max(const T* x, int64_t ld, int64_t rows, int64_t cols) {
  uint32_t most = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) most = std::max(most, std::bit_cast<uint32_t>(get(x[r * ld + c])) & 0x7FFFFFFFu);
  return most;
}

}  // namespace

void fp8_scales(const Fp8Cut& cut, DType dtype, const void* x, int64_t ld, Fp8Scale scale, float* scales) {
  typed(dtype, x, [&](auto* values) {
    each_block(cut, [&](int64_t i, int64_t r, int64_t c, int64_t rows, int64_t cols) {
      scales[i] = fp8_scale(block_max(values + r * ld + c, ld, rows, cols), scale);
    });
  });
}

void fp8_quantise(const Fp8Cut& cut, DType dtype, const void* x, int64_t ld, const float* scales, uint8_t* codes) {
  typed(dtype, x, [&](auto* values) {
    each_block(cut, [&](int64_t i, int64_t first, int64_t c, int64_t rows, int64_t cols) {
      const float s = scales[i];
      for (int64_t r = first; r < first + rows; ++r) {
        const auto* __restrict from = values + r * ld + c;
        uint8_t* __restrict to = codes + r * cut.cols + c;
        for (int64_t k = 0; k < cols; ++k) to[k] = fp8_encode<E4M3>(get(from[k]) / s);
      }
    });
  });
}

void fp8_dequantise(const Fp8Cut& cut, const uint8_t* codes, const float* scales, DType dtype, void* y, int64_t ld) {
  typed(dtype, y, [&](auto* values) {
    each_block(cut, [&](int64_t i, int64_t first, int64_t c, int64_t rows, int64_t cols) {
      const float s = scales[i];
      for (int64_t r = first; r < first + rows; ++r) {
        const uint8_t* __restrict from = codes + r * cut.cols + c;
        auto* __restrict to = values + r * ld + c;
        for (int64_t k = 0; k < cols; ++k) put(to + k, fp8_decode<E4M3>(from[k]) * s);
      }
    });
  });
}

void fp8_fake_quantise(const Fp8Cut& cut, DType dtype, void* x, int64_t ld, Fp8Scale scale) {
  typed(dtype, x, [&](auto* values) {
    each_block(cut, [&](int64_t, int64_t first, int64_t c, int64_t rows, int64_t cols) {
      const float s = fp8_scale(block_max(values + first * ld + c, ld, rows, cols), scale);
      for (int64_t r = first; r < first + rows; ++r) {
        auto* v = values + r * ld + c;
        for (int64_t k = 0; k < cols; ++k) put(v + k, fp8_round<E4M3>(get(v[k]) / s) * s);
      }
    });
  });
}

}  // namespace minke
