#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/math/math_test_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<Isa> isas() {
  std::vector<Isa> out;
  for (Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512})
    if (isa_supported(isa)) out.push_back(isa);
  return out;
}

class MathVariants : public testing::Test {
 protected:
  void SetUp() override { set_float_state(); }
  void TearDown() override { force_isa(best_isa()); }
};

// Distance between y and the exact value in units of y's last place.
double ulps(float y, double exact) {
  const float magnitude = std::max(std::fabs(float(exact)), 0x1p-126f);
  return std::fabs(double(y) - exact) / (double(std::nextafter(magnitude, kInf)) - double(magnitude));
}

// Every `step`-th float code between two codes.
std::vector<float> floats(uint32_t first, uint32_t last, uint32_t step) {
  std::vector<float> x;
  for (uint64_t u = first; u <= last; u += step) x.push_back(float_of_bits(uint32_t(u)));
  return x;
}

TEST_F(MathVariants, ExpIsWithinOneUlpOverItsWholeRange) {
  for (Isa isa : isas()) {
    force_isa(isa);
    const uint32_t step = isa == Isa::kScalar ? 15013 : 1511;
    for (uint32_t sign : {0u, 0x80000000u}) {
      const std::vector<float> x = floats(sign, sign | float_bits(89.0f), step);
      std::vector<float> y(x.size());
      MINKE_VARIANT(exp_row)(x.data(), y.data(), int64_t(x.size()));
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = std::exp(double(x[i]));
        if (exact > std::numeric_limits<float>::max()) EXPECT_EQ(y[i], kInf) << x[i];
        else if (exact < 0x1p-126) EXPECT_EQ(y[i], 0) << x[i];
        else worst = std::max(worst, ulps(y[i], exact));
      }
      EXPECT_LE(worst, 1.0) << isa_name(isa);
    }
  }
}

TEST_F(MathVariants, ExpAtItsEdges) {
  // Every float near the two limits, where the exponent runs out.
  std::vector<float> x = floats(float_bits(88.71f), float_bits(88.74f), 1);
  const std::vector<float> low = floats(float_bits(-87.32f), float_bits(-87.35f), 1);
  x.insert(x.end(), low.begin(), low.end());
  for (float y : {-kInf, -1e30f, -104.0f, -88.0f, 0.0f, -0.0f, 1e-45f, 89.0f, 1e30f, kInf, kNan}) x.push_back(y);
  for (Isa isa : isas()) {
    force_isa(isa);
    std::vector<float> y(x.size());
    MINKE_VARIANT(exp_row)(x.data(), y.data(), int64_t(x.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(double(x[i]));
      if (std::isnan(x[i])) EXPECT_TRUE(std::isnan(y[i]));
      else if (exact > std::numeric_limits<float>::max()) EXPECT_EQ(y[i], kInf) << x[i];
      else if (exact < 0x1p-126) EXPECT_EQ(y[i], 0) << x[i];
      else EXPECT_LE(ulps(y[i], exact), 1.0) << x[i];
    }
    EXPECT_EQ(y[y.size() - 6], 1.0f);
    EXPECT_EQ(y[y.size() - 7], 1.0f);
  }
}

TEST_F(MathVariants, SoftmaxExpHasTheSameBits) {
  for (Isa isa : isas()) {
    force_isa(isa);
    std::vector<float> x = floats(0x80000000u, float_bits(-110.0f), isa == Isa::kScalar ? 15013 : 1511);
    const std::vector<float> edge = floats(float_bits(-87.32f), float_bits(-87.35f), 1), positive = floats(0, float_bits(88.0f), 15013);
    x.insert(x.end(), edge.begin(), edge.end());
    x.insert(x.end(), positive.begin(), positive.end());
    for (float special : {-kInf, -1e30f, 0.0f, -0.0f}) x.push_back(special);
    std::vector<float> y(x.size()), expected(x.size());
    MINKE_VARIANT(exp_row)(x.data(), expected.data(), int64_t(x.size()));
    MINKE_VARIANT(exp_softmax_row)(x.data(), y.data(), int64_t(x.size()));
    EXPECT_EQ(y, expected) << isa_name(isa);
    const float nans[] = {kNan, -kNan, float_of_bits(0x7FFFFFFFu), float_of_bits(0xFF800001u)};
    float out[4];
    MINKE_VARIANT(exp_softmax_row)(nans, out, 4);
    for (float o : out) EXPECT_TRUE(std::isnan(o));
  }
}

TEST_F(MathVariants, LogIsWithinTwoUlp) {
  for (Isa isa : isas()) {
    force_isa(isa);
    std::vector<float> x = floats(0x00800000u, 0x7F7FFFFFu, 1511);
    const std::vector<float> near_one = floats(float_bits(0.99f), float_bits(1.01f), 7);
    x.insert(x.end(), near_one.begin(), near_one.end());
    std::vector<float> y(x.size());
    MINKE_VARIANT(log_row)(x.data(), y.data(), int64_t(x.size()));
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], std::log(double(x[i]))));
    EXPECT_LE(worst, 2.0) << isa_name(isa);

    const float special[] = {0.0f, -0.0f, 1e-40f, -1.0f, -kInf, kInf, kNan, 1.0f};
    float out[8];
    MINKE_VARIANT(log_row)(special, out, 8);
    EXPECT_EQ(out[0], -kInf);
    EXPECT_EQ(out[1], -kInf);
    EXPECT_EQ(out[2], -kInf);
    EXPECT_TRUE(std::isnan(out[3]));
    EXPECT_TRUE(std::isnan(out[4]));
    EXPECT_EQ(out[5], kInf);
    EXPECT_TRUE(std::isnan(out[6]));
    EXPECT_EQ(out[7], 0.0f);
  }
}

TEST_F(MathVariants, AllVariantsGiveTheSameBits) {
  Rng rng(7);
  for (int64_t n : {1, 2, 15, 16, 17, 31, 33, 100, 257, 1000}) {
    std::vector<float> x(n), z(n);
    for (int64_t i = 0; i < n; ++i) x[i] = 10 * rng.normal(), z[i] = rng.normal();
    std::vector<float> first_exp, first_log;
    float first[3] = {};
    for (Isa isa : isas()) {
      force_isa(isa);
      std::vector<float> e(n), l(n), magnitude(n);
      for (int64_t i = 0; i < n; ++i) magnitude[i] = std::fabs(x[i]);
      MINKE_VARIANT(exp_row)(x.data(), e.data(), n);
      MINKE_VARIANT(log_row)(magnitude.data(), l.data(), n);
      const float r[3] = {MINKE_VARIANT(sum_row)(x.data(), n), MINKE_VARIANT(dot_row)(x.data(), z.data(), n),
                          MINKE_VARIANT(max_row)(x.data(), n)};
      if (isa == Isa::kScalar) {
        first_exp = e, first_log = l;
        std::copy(r, r + 3, first);
        double sum = 0, dot = 0, norm = 0;
        for (int64_t i = 0; i < n; ++i) sum += x[i], dot += double(x[i]) * z[i], norm += std::fabs(x[i]) * (1 + std::fabs(z[i]));
        EXPECT_NEAR(r[0], sum, 1e-6 * norm);
        EXPECT_NEAR(r[1], dot, 1e-6 * norm);
        EXPECT_EQ(r[2], *std::max_element(x.begin(), x.end()));
      }
      EXPECT_EQ(e, first_exp) << isa_name(isa);
      EXPECT_EQ(l, first_log) << isa_name(isa);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(r[i], first[i]) << isa_name(isa) << " n=" << n;
    }
  }
}

}  // namespace
}  // namespace minke
