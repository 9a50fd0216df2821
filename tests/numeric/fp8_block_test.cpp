#include "numeric/fp8_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace minke {
namespace {

template <class T>
std::vector<T> recorded(const std::string& name) {
  std::ifstream in(MINKE_SOURCE_DIR "/tests/data/fp8/torch/" + name, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

struct Quantised {
  std::vector<float> scales;
  std::vector<uint8_t> codes;
};

Quantised quantise(const Fp8Cut& cut, DType dtype, const void* x, int64_t ld, Fp8Scale scale) {
  Quantised q;
  q.scales.resize(size_t(cut.scale_rows() * cut.scale_cols()));
  q.codes.resize(size_t(cut.rows * cut.cols));
  fp8_scales(cut, dtype, x, ld, scale, q.scales.data());
  fp8_quantise(cut, dtype, x, ld, q.scales.data(), q.codes.data());
  return q;
}

void expect_recorded(const std::string& name, const Fp8Cut& cut, const std::vector<float>& x) {
  for (const Fp8Scale scale : {Fp8Scale::kF32, Fp8Scale::kPowerOfTwo}) {
    SCOPED_TRACE(name + (scale == Fp8Scale::kF32 ? ".f32" : ".pow2"));
    const std::string files = name + (scale == Fp8Scale::kF32 ? ".f32" : ".pow2");
    const Quantised q = quantise(cut, DType::kF32, x.data(), cut.cols, scale);
    EXPECT_EQ(q.scales, recorded<float>(files + ".scales"));
    EXPECT_EQ(q.codes, recorded<uint8_t>(files + ".codes"));

    std::vector<float> want(x.size()), got(x.size());
    for (int64_t r = 0; r < cut.rows; ++r)
      for (int64_t c = 0; c < cut.cols; ++c)
        want[size_t(r * cut.cols + c)] = fp8_decode<E4M3>(q.codes[size_t(r * cut.cols + c)]) *
                                         q.scales[size_t(r / cut.block.rows * cut.scale_cols() + c / cut.block.cols)];
    fp8_dequantise(cut, q.codes.data(), q.scales.data(), DType::kF32, got.data(), cut.cols);
    EXPECT_EQ(got, want);
    got = x;
    fp8_fake_quantise(cut, DType::kF32, got.data(), cut.cols, scale);
    EXPECT_EQ(got, want);
  }
}

TEST(Fp8Block, ActivationTilesAsTorch) {
  const auto x = recorded<float>("tiles.x.f32");
  ASSERT_EQ(x.size(), 6u * 300);
  expect_recorded("tiles", {6, 300, kFp8ActivationTile}, x);
}

TEST(Fp8Block, WeightBlocksAsTorch) {
  const auto halves = recorded<bf16>("weights.x.bf16");
  ASSERT_EQ(halves.size(), 130u * 136);
  std::vector<float> x(halves.size());
  convert(DType::kBF16, halves.data(), DType::kF32, x.data(), int64_t(x.size()));
  expect_recorded("weights", {130, 136, kFp8WeightBlock}, x);
}

TEST(Fp8Block, RoundingsAsTorch) {
  struct Case {
    float x;
    uint8_t e4m3, e5m2, zeros[2];
  };
  const auto cases = recorded<Case>("roundings.bin");
  ASSERT_GT(cases.size(), 1500u);
  for (const Case& c : cases) {
    EXPECT_EQ(fp8_encode<E4M3>(c.x), c.e4m3) << c.x;
    EXPECT_EQ((fp8_encode<E5M2, Fp8Overflow::kSpecial>(c.x)), c.e5m2) << c.x;
  }
}

// bf16 in and out, rows further apart than they are long, what lies between left alone; a middle piece of a larger matrix.
TEST(Fp8Block, Bf16AndRowsApart) {
  constexpr int64_t kRows = 9, kCols = 200, kLd = 211;
  std::vector<bf16> x(kRows * kLd);
  for (size_t i = 0; i < x.size(); ++i) x[i] = bf16_from_f32(std::sin(float(i) * 0.37f) * std::exp(float(i % 17) - 8));
  for (const Fp8Block block : {kFp8ActivationTile, kFp8WeightBlock, Fp8Block{4, 64}, Fp8Block{128, 1}}) {
    const Fp8Cut cut{kRows, kCols, block};
    std::vector<float> wide(kRows * kCols);
    for (int64_t r = 0; r < kRows; ++r) convert(DType::kBF16, &x[size_t(r * kLd)], DType::kF32, &wide[size_t(r * kCols)], kCols);
    const Quantised want = quantise(cut, DType::kF32, wide.data(), kCols, Fp8Scale::kPowerOfTwo);
    const Quantised got = quantise(cut, DType::kBF16, x.data(), kLd, Fp8Scale::kPowerOfTwo);
    EXPECT_EQ(got.scales, want.scales);
    EXPECT_EQ(got.codes, want.codes);

    std::vector<bf16> y = x, z = x;
    fp8_fake_quantise(cut, DType::kBF16, y.data(), kLd, Fp8Scale::kPowerOfTwo);
    fp8_dequantise(cut, got.codes.data(), got.scales.data(), DType::kBF16, z.data(), kLd);
    EXPECT_EQ(std::memcmp(y.data(), z.data(), y.size() * 2), 0);
    fp8_fake_quantise(cut, DType::kF32, wide.data(), kCols, Fp8Scale::kPowerOfTwo);
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t c = 0; c < kCols; ++c) ASSERT_EQ(bf16_to_f32(y[size_t(r * kLd + c)]), wide[size_t(r * kCols + c)]) << "exact in bf16";
      for (int64_t c = kCols; c < kLd; ++c) ASSERT_EQ(y[size_t(r * kLd + c)].bits, x[size_t(r * kLd + c)].bits);
    }
  }
}

// Over all sizes: a power of two, nothing beyond 448, and no smaller power would do.
TEST(Fp8Block, PowerOfTwoScalesAreTheSmallestThatFit) {
  for (uint32_t bits = 0x04800000u; bits < 0x7F800000u; bits += 100'003) {
    const double most = double(std::bit_cast<float>(bits)), s = double(fp8_scale(bits, Fp8Scale::kPowerOfTwo));
    int exponent = 0;
    ASSERT_EQ(std::frexp(s, &exponent), 0.5);
    ASSERT_LE(most / s, 448);
    ASSERT_GT(most / (s / 2), 448);
    ASSERT_EQ(fp8_scale(bits, Fp8Scale::kF32), std::max(float(most) / 448.0f, 0x1p-126f));
  }
  for (const Fp8Scale scale : {Fp8Scale::kF32, Fp8Scale::kPowerOfTwo}) {
    EXPECT_EQ(fp8_scale(std::bit_cast<uint32_t>(448.0f), scale), 1);
    EXPECT_EQ(fp8_scale(0, scale), 1);
    EXPECT_EQ(fp8_scale(1, scale), 0x1p-126f);
    EXPECT_EQ(fp8_scale(std::bit_cast<uint32_t>(0x1p-120f), scale), 0x1p-126f);
  }
}

TEST(Fp8Block, QuantisedAgainStaysPut) {
  const auto halves = recorded<bf16>("weights.x.bf16");
  std::vector<bf16> once = halves, twice;
  const Fp8Cut cut{130, 136, kFp8WeightBlock};
  fp8_fake_quantise(cut, DType::kBF16, once.data(), 136, Fp8Scale::kPowerOfTwo);
  EXPECT_NE(std::memcmp(once.data(), halves.data(), once.size() * 2), 0);
  twice = once;
  fp8_fake_quantise(cut, DType::kBF16, twice.data(), 136, Fp8Scale::kPowerOfTwo);
  EXPECT_EQ(std::memcmp(once.data(), twice.data(), once.size() * 2), 0);
}

TEST(Fp8Block, NotANumberShows) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()})
    for (const Fp8Scale scale : {Fp8Scale::kF32, Fp8Scale::kPowerOfTwo}) {
      std::vector<float> x(256, 1.0f);
      x[130] = bad;
      fp8_fake_quantise({1, 256, kFp8ActivationTile}, DType::kF32, x.data(), 256, scale);
      for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(std::isnan(x[i]), i >= 128) << i;
    }
}

}  // namespace
}  // namespace minke
