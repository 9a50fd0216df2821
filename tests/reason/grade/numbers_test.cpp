// The grader's own arithmetic against identities and against 128-bit integers.
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "reason/grade/float.h"
#include "reason/grade/rational.h"
#include "reason/grade/residue.h"

namespace minke::grading {
namespace {

BigInt random_int(Rng& rng, int max_bits) {
  const int bits = int(rng.below(uint64_t(max_bits))) + 1;
  BigInt out;
  for (int left = bits; left > 0; left -= 30) {
    // Runs of ones and zeros reach the rare branches of the division.
    const uint32_t word = rng.below(4) == 0 ? 0x3fffffffu : rng.below(4) == 0 ? 0u : rng.bits32() >> 2;
    out = (out << 30) + BigInt(int64_t(word));
  }
  return rng.below(2) ? -out : out;
}

TEST(BigInt, SmallOnesAgreeWithTheMachine) {
  Rng rng(1);
  for (int n = 0; n < 20'000; ++n) {
    const int64_t a = int64_t(rng.bits64()) >> rng.below(63), b = int64_t(rng.bits64()) >> rng.below(63);
    const BigInt x = a, y = b;
    EXPECT_EQ(x < y, a < b);
    EXPECT_EQ(x == y, a == b);
    EXPECT_EQ(x.text(), std::to_string(a));
    if (std::abs(a / 4) < (int64_t(1) << 60) && std::abs(b / 4) < (int64_t(1) << 60)) {
      EXPECT_EQ((x + y).text(), std::to_string(a / 1 + b)) << a << " " << b;
    }
    if (b != 0 && a != INT64_MIN) {
      BigInt q, r;
      BigInt::divide(x, y, q, r);
      EXPECT_EQ(q.text(), std::to_string(a / b));
      EXPECT_EQ(r.text(), std::to_string(a % b));
    }
  }
}

TEST(BigInt, LargeOnesKeepTheIdentities) {
  Rng rng(2);
  for (int n = 0; n < 3'000; ++n) {
    const BigInt a = random_int(rng, 900), b = random_int(rng, 700), c = random_int(rng, 300);
    EXPECT_EQ((a + b) * c, a * c + b * c);
    EXPECT_EQ((a - b) + b, a);
    EXPECT_EQ(a.mod(ResidueField::kPrime), (a - b).mod(ResidueField::kPrime) >= ResidueField::kPrime - b.mod(ResidueField::kPrime)
                                               ? (a - b).mod(ResidueField::kPrime) + b.mod(ResidueField::kPrime) - ResidueField::kPrime
                                               : (a - b).mod(ResidueField::kPrime) + b.mod(ResidueField::kPrime));
    if (!b.is_zero()) {
      BigInt q, r;
      BigInt::divide(a, b, q, r);
      EXPECT_EQ(q * b + r, a);
      EXPECT_LT(r.abs(), b.abs());
      EXPECT_TRUE(r.is_zero() || r.negative() == a.negative());
    }
    const BigInt root = a.abs().square_root();
    EXPECT_LE(root * root, a.abs());
    EXPECT_GT((root + 1) * (root + 1), a.abs());
    EXPECT_EQ((a << 77) >> 77, a);
    const std::string digits = a.abs().text();
    EXPECT_EQ(BigInt::parse(digits), a.abs());
    const BigInt g = BigInt::gcd(a * c, b * c);
    if (!c.is_zero() && !(a.is_zero() && b.is_zero())) {
      EXPECT_TRUE((g - g / c.abs() * c.abs()).is_zero());
    }
  }
}

TEST(BigInt, BoundsRefuse) {
  EXPECT_THROW(BigInt::parse(std::string(1400, '9')), Refused);
  EXPECT_THROW(BigInt(1) / BigInt(0), Refused);
  EXPECT_THROW(BigInt(1) << 100'000, Refused);
  EXPECT_THROW(Rational(BigInt::power(2, 4096), 1) + Rational(1), Refused);
  const BigInt wide = BigInt::power(2, 4090);
  EXPECT_THROW(wide * wide * wide, Refused);
}

TEST(Residue, FieldLaws) {
  ResidueField f;
  EXPECT_EQ(f.multiply(f.i(), f.i()), f.negate(1));
  Rng rng(3);
  for (int n = 0; n < 1000; ++n) {
    const uint64_t a = rng.bits64() % ResidueField::kPrime;
    if (a) {
      EXPECT_EQ(f.multiply(a, f.invert(a)), 1u);
    }
    EXPECT_EQ(f.add(a, f.negate(a)), 0u);
  }
  EXPECT_THROW(f.invert(0), Refused);
}

// |a - b| in units of 2^-bits of the larger one.
void expect_near(const FloatMath& m, const Float& a, const Float& b, const char* what, int64_t lost_bits = 0) {
  const int64_t size = std::max(a.magnitude(), b.magnitude());
  EXPECT_LE(m.subtract(a, b).magnitude(), size - m.bits() + 6 + lost_bits) << what;
}

TEST(Float, IdentitiesInBothPrecisions) {
  for (const int bits : {128, 192}) {
    const FloatMath m(bits);
    const Float one{1, 0}, two{2, 0};
    Rng rng(4);
    for (int n = 0; n < 200; ++n) {
      const Float x = m.number(Rational(BigInt(rng.range(1, 1'000'000'000)), BigInt(rng.range(1, 100'000'000))));
      const Float root = m.square_root(x);
      expect_near(m, m.multiply(root, root), x, "square root");
      expect_near(m, m.exp(m.ln(x)), x, "exp ln");
      Float s, c;
      m.sin_cos(x, s, c);
      expect_near(m, m.add(m.multiply(s, s), m.multiply(c, c)), one, "sin^2 + cos^2");
      EXPECT_NEAR(s.approximate(), std::sin(x.approximate()), 1e-12 * (1 + std::abs(x.approximate())));
      EXPECT_NEAR(c.approximate(), std::cos(x.approximate()), 1e-12 * (1 + std::abs(x.approximate())));
      EXPECT_NEAR(m.ln(x).approximate(), std::log(x.approximate()), 1e-12);
      EXPECT_NEAR(m.arctan(x).approximate(), std::atan(x.approximate()), 1e-14);
      const Float y = m.arctan(x);
      m.sin_cos(y, s, c);
      expect_near(m, m.divide(s, c), x, "tan arctan", std::abs(x.magnitude()));  // the slope of tan
    }
    // The constants by other ways: Machin's formula, and ln 2 by the logarithm.
    const Float fifth = m.divide(one, {5, 0}), part = m.divide(one, {239, 0});
    expect_near(m, m.subtract(m.arctan(fifth).scaled(2), m.arctan(part)), m.pi().scaled(-2), "pi / 4");
    expect_near(m, m.exp(m.ln(two)), two, "ln 2");
    Float s, c;
    m.sin_cos(m.divide(m.pi(), {6, 0}), s, c);
    expect_near(m, s, {1, -1}, "sin 30 degrees");
    EXPECT_EQ(m.floor(m.number(Rational(BigInt(-5), BigInt(2)))).text(), "-3");
    EXPECT_EQ(m.floor(m.number(Rational(BigInt(5), BigInt(2)))).text(), "2");
    EXPECT_EQ(m.floor(m.multiply(m.square_root(two), m.square_root(two))).text(), "2");
  }
}

// Both precisions are what they say: their results agree in 120 bits and differ below 190.
TEST(Float, SecondPrecisionIsFiner) {
  const FloatMath a(128), b(192);
  const Float x = a.square_root({2, 0}), y = b.square_root({2, 0});
  const int64_t difference = b.subtract(x, y).magnitude();
  EXPECT_LT(difference, -124);
  EXPECT_GT(difference, -190);
}

}  // namespace
}  // namespace minke::grading
