// FP8 emulated by the fast kernels: the bits of the plain quantisation on every ISA and thread count, in every cut.
#include "kernels/fp8/fake_quantise.h"

#include <fmt/format.h>

#include "kernels/row_testing.h"
#include "numeric/fp8.h"

namespace minke::rows {
namespace {

const std::vector<std::pair<int64_t, int64_t>> kShapes = {{1, 2}, {3, 17}, {5, 128}, {130, 129}, {257, 300}};

// Magnitudes over many binades, a zero tile, and some zeros.
Values wild(DType dtype, int64_t rows, int64_t cols, uint64_t seed) {
  Rng rng(seed);
  Values x(DType::kF32, rows * cols);
  for (int64_t i = 0; i < rows * cols; ++i) {
    const double binade = double(rng.below(30)) - 20;
    x.f32()[i] = rng.below(9) == 0 || i / cols == 2 ? 0.0f : float(std::exp2(binade)) * rng.normal();
  }
  Values out(dtype, rows * cols);
  convert(DType::kF32, x.data(), dtype, out.data(), rows * cols);
  return out;
}

// numeric/fp8_block.h's values, as bf16. E5M2's scale is E4M3's of x / 128; the rest is the same with its own rounding.
template <class F>
Values reference(Values x, int64_t rows, int64_t cols, Fp8Block block) {
  Values y(DType::kBF16, rows * cols);
  for (int64_t r = 0; r < rows; r += block.rows)
    for (int64_t c = 0; c < cols; c += block.cols) {
      const int64_t last_r = std::min(rows, r + block.rows), last_c = std::min(cols, c + block.cols);
      double most = 0;
      for (int64_t i = r; i < last_r; ++i)
        for (int64_t j = c; j < last_c; ++j) most = std::max(most, std::abs(x[i * cols + j]));
      double s = 1;
      if (most > 0) s = std::exp2(std::ceil(std::log2(most / double(F::kMax))));
      for (int64_t i = r; i < last_r; ++i)
        for (int64_t j = c; j < last_c; ++j) {
          const float value = float(double(fp8_round<F>(float(x[i * cols + j] / s))) * s);
          convert(DType::kF32, &value, DType::kBF16, y.at(i * cols + j), 1);
        }
    }
  return y;
}

Values run(Fp8Grid grid, Values& x, int64_t rows, int64_t cols, Fp8Block block, std::vector<int64_t> offsets = {}) {
  Values y(DType::kBF16, rows * cols);
  const FakeQuantise q{grid, x.dtype(), rows, cols, x.data(), cols, static_cast<bf16*>(y.data())};
  if (block.cols == 1)
    fake_quantise_columns(q, block.rows, offsets);
  else if (block.rows == rows && block.cols == cols)
    fake_quantise_whole(q);
  else
    fake_quantise(q, block);
  return y;
}

TEST(FakeQuantise, IsTheReferenceEverywhere) {
  for (const auto& [rows, cols] : kShapes)
    for (const DType dtype : kDTypes) {
      Values x = wild(dtype, rows, cols, 7);
      const int64_t offsets[] = {0, rows};
      for (const Fp8Block block : {kFp8ActivationTile, Fp8Block{128, 1}, kFp8WeightBlock, Fp8Block{rows, cols}}) {
        SCOPED_TRACE(fmt::format("{}x{} {} in {}x{}", rows, cols, dtype_info(dtype).name, block.rows, block.cols));
        const Outputs out = same_everywhere([&] {
          return Outputs{run(Fp8Grid::kE4M3, x, rows, cols, block, {offsets[0], offsets[1]}), run(Fp8Grid::kE5M2, x, rows, cols, block, {offsets[0], offsets[1]})};
        });
        EXPECT_TRUE(out[0] == reference<E4M3>(x, rows, cols, block));
        EXPECT_TRUE(out[1] == reference<E5M2>(x, rows, cols, block));
        Values plain = x;
        fp8_fake_quantise({rows, cols, block}, dtype, plain.data(), cols, Fp8Scale::kPowerOfTwo);
        EXPECT_EQ(out[0].numbers(), plain.numbers());
      }
    }
}

TEST(FakeQuantise, ColumnTilesStartAgainWithEachGroup) {
  const int64_t rows = 300, cols = 33;
  Values x = wild(DType::kBF16, rows, cols, 3);
  const std::vector<int64_t> offsets = {0, 70, 70, 300};
  const Values y = run(Fp8Grid::kE4M3, x, rows, cols, {128, 1}, offsets);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    const int64_t n = offsets[g + 1] - offsets[g];
    if (n == 0) continue;
    Values part = x.slice(offsets[g] * cols, n * cols);
    EXPECT_TRUE(run(Fp8Grid::kE4M3, part, n, cols, {128, 1}, {0, n}) == y.slice(offsets[g] * cols, n * cols));
  }
  EXPECT_FALSE(y == run(Fp8Grid::kE4M3, x, rows, cols, {128, 1}, {0, rows}));
}

TEST(FakeQuantise, ARowAloneIsTheRowInABatch) {
  const int64_t rows = 40, cols = 300, ld = 310;
  Values x = wild(DType::kBF16, rows, ld, 5), y(DType::kBF16, rows * cols);
  fake_quantise({Fp8Grid::kE4M3, DType::kBF16, rows, cols, x.data(), ld, static_cast<bf16*>(y.data())}, kFp8ActivationTile);
  for (int64_t row = 0; row < rows; ++row) {
    Values one = x.slice(row * ld, cols);
    ASSERT_TRUE(run(Fp8Grid::kE4M3, one, 1, cols, kFp8ActivationTile) == y.slice(row * cols, cols)) << row;
  }
}

TEST(FakeQuantise, RoundingAgainChangesNothing) {
  Values x = wild(DType::kF32, 200, 200, 9);
  Values once = run(Fp8Grid::kE4M3, x, 200, 200, kFp8WeightBlock);
  EXPECT_TRUE(run(Fp8Grid::kE4M3, once, 200, 200, kFp8WeightBlock) == once);
}

TEST(FakeQuantise, ABadNumberSpoilsItsTileAndNoOther) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Values x = wild(DType::kF32, 1, 256, 1);
    x.f32()[130] = bad;
    const Values y = run(Fp8Grid::kE4M3, x, 1, 256, kFp8ActivationTile);
    for (int64_t i = 0; i < 256; ++i) EXPECT_EQ(std::isnan(y[i]), i >= 128) << i;
  }
}

}  // namespace
}  // namespace minke::rows
