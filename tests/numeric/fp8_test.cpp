#include "numeric/fp8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "numeric/bf16.h"
#include "numeric/fp8_ref.h"

namespace minke {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

template <class T>
std::vector<T> recorded(const std::string& name) {
  std::ifstream in(MINKE_SOURCE_DIR "/tests/data/fp8/" + name, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

template <class F>
class Fp8 : public testing::Test {};
using Formats = testing::Types<E4M3, E5M2>;
TYPED_TEST_SUITE(Fp8, Formats);

TYPED_TEST(Fp8, DecodesTheRecordedTable) {
  const auto table = recorded<float>(TypeParam::kHasInfinity ? "e5m2.f32" : "e4m3fn.f32");
  ASSERT_EQ(table.size(), 256u);
  for (int code = 0; code < 256; ++code) {
    EXPECT_TRUE(same(fp8_decode<TypeParam>(uint8_t(code)), table[size_t(code)])) << code;
    EXPECT_TRUE(same(float(fp8_decode_ref<TypeParam>(uint8_t(code))), table[size_t(code)])) << code;
  }
}

TYPED_TEST(Fp8, EveryCodeSurvives) {
  using F = TypeParam;
  for (uint32_t code = 0; code < 256; ++code) {
    const float value = fp8_decode<F>(uint8_t(code));
    if ((code & 0x7F) > F::kMaxCode) continue;
    EXPECT_EQ(fp8_encode<F>(value), code);
    EXPECT_TRUE(same(fp8_round<F>(value), value)) << code;
    EXPECT_TRUE(same(bf16_round(value), value)) << code << ": products in bf16 take it as it is";
  }
}

// All float32 magnitudes from under half the smallest number to beyond the largest, each with its code known from the reference's
// middles; every 4093rd outside. Both signs share all but the sign bit.
TYPED_TEST(Fp8, EveryFloatRoundsAsTheReference) {
  using F = TypeParam;
  const uint32_t low = std::bit_cast<uint32_t>(float(fp8_middle_ref<F>(0)) / 2), high = std::bit_cast<uint32_t>(F::kMax * 2);
  uint32_t bits = 0;
  int64_t wrong = 0;
  for (uint32_t code = 0; code <= F::kMaxCode; ++code) {
    const float middle = float(fp8_middle_ref<F>(int(code)));  // exact
    uint32_t end = std::bit_cast<uint32_t>(middle) + (code % 2 == 0);
    if (code == F::kMaxCode) end = 0x7F800001u;  // saturates, infinity too
    const float value = float(fp8_decode_ref<F>(uint8_t(code)));
    for (; bits < end; bits += bits < low || bits >= high ? 4093 : 1) {
      const float x = std::bit_cast<float>(bits);
      wrong += fp8_encode<F>(x) != code || fp8_encode<F>(-x) != (code | 0x80) || fp8_round<F>(x) != value || fp8_round<F>(-x) != -value;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TYPED_TEST(Fp8, EveryBf16RoundsAsTheReference) {
  using F = TypeParam;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = bf16_to_f32({uint16_t(bits)});
    const uint8_t want = fp8_encode_ref<F>(x);
    ASSERT_EQ(fp8_encode<F>(x), want) << x;
    ASSERT_TRUE(same(fp8_round<F>(x), std::isnan(x) ? kNan : float(fp8_decode_ref<F>(want)))) << x;
    ASSERT_EQ((fp8_encode<F, Fp8Overflow::kSpecial>(x)), fp8_encode_ref<F>(x, Fp8Overflow::kSpecial)) << x;
  }
}

TEST(Fp8E4M3, TheRecordedRoundings) {
  struct Case {
    float x;
    uint8_t code, zeros[3];
  };
  const auto cases = recorded<Case>("round-e4m3fn.bin");
  ASSERT_EQ(cases.size(), 2023u);
  for (const Case& c : cases) {
    EXPECT_EQ(fp8_encode<E4M3>(c.x), c.code) << c.x;
    EXPECT_EQ(fp8_encode_ref<E4M3>(c.x), c.code) << c.x;
  }
}

// Ties in the lowest binades: the last kept bit of 1.5 steps is the implicit one, and the tie goes up.
TEST(Fp8E4M3, TiesAtTheBottom) {
  const float step = 0x1p-9f;
  EXPECT_EQ(fp8_round<E4M3>(0.5f * step), 0);
  EXPECT_EQ(fp8_round<E4M3>(1.5f * step), 2 * step);
  EXPECT_EQ(fp8_round<E4M3>(2.5f * step), 2 * step);
  EXPECT_EQ(fp8_round<E4M3>(7.5f * step), 8 * step);
  EXPECT_EQ(fp8_round<E4M3>(-1.5f * step), -2 * step);
  EXPECT_EQ(std::bit_cast<uint32_t>(fp8_round<E4M3>(-0.25f * step)), 0x80000000u);
}

TEST(Fp8, OverflowByMode) {
  constexpr Fp8Overflow special = Fp8Overflow::kSpecial;
  EXPECT_EQ(fp8_encode<E4M3>(1e9f), 0x7E);
  EXPECT_EQ(fp8_encode<E4M3>(-kInf), 0xFE);
  EXPECT_EQ((fp8_encode<E4M3, special>(464.0f)), 0x7E);
  EXPECT_EQ((fp8_encode<E4M3, special>(std::nextafter(464.0f, kInf))), 0x7F);
  EXPECT_EQ((fp8_encode<E4M3, special>(-kInf)), 0xFF);
  EXPECT_EQ(fp8_encode<E5M2>(kInf), 0x7B);
  EXPECT_EQ((fp8_encode<E5M2, special>(std::nextafter(61440.0f, 0.0f))), 0x7B);
  EXPECT_EQ((fp8_encode<E5M2, special>(61440.0f)), 0x7C);
  EXPECT_EQ((fp8_encode<E5M2, special>(-1e30f)), 0xFC);
  EXPECT_EQ(fp8_encode<E4M3>(kNan), 0x7F);
  EXPECT_EQ((fp8_encode<E5M2, special>(-kNan)), 0x7F);
  EXPECT_TRUE(std::isnan(fp8_round<E4M3>(kNan)) && std::isnan(fp8_round<E5M2>(-kNan)));
}

}  // namespace
}  // namespace minke
