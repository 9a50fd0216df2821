#pragma once
// Fractions in lowest terms, and the Gaussian ones a + bi.
#include "reason/grade/big_int.h"
#include "reason/grade/steps.h"

namespace minke::grading {

class Rational {
 public:
  Rational(int64_t n = 0) : above_(n), below_(1) {}  // NOLINT
  Rational(BigInt above, BigInt below) : above_(std::move(above)), below_(std::move(below)) { reduce(); }
  const BigInt& above() const { return above_; }
  const BigInt& below() const { return below_; }  // positive
  bool is_integer() const { return below_.is_one(); }
  bool is_zero() const { return above_.is_zero(); }
  bool negative() const { return above_.negative(); }
  Rational abs() const { return negative() ? -*this : *this; }
  std::string text() const { return is_integer() ? above_.text() : above_.text() + "/" + below_.text(); }

  // Has the value finitely many decimals, i.e. no prime but 2 and 5 below?
  bool finite_decimal() const {
    BigInt left = below_;
    for (const int64_t prime : {2, 5})
      while (true) {
        BigInt q, r;
        BigInt::divide(left, prime, q, r);
        if (!r.is_zero()) break;
        left = q;
      }
    return left.is_one();
  }

  Rational operator-() const {
    Rational out = *this;
    out.above_ = -above_;
    return out;
  }
  friend Rational operator+(const Rational& a, const Rational& b) {
    if (a.is_integer() && b.is_integer()) return whole(a.above_ + b.above_);
    return {a.above_ * b.below_ + b.above_ * a.below_, a.below_ * b.below_};
  }
  friend Rational operator-(const Rational& a, const Rational& b) { return a + -b; }
  friend Rational operator*(const Rational& a, const Rational& b) {
    if (a.is_integer() && b.is_integer()) return whole(a.above_ * b.above_);
    return {a.above_ * b.above_, a.below_ * b.below_};
  }
  friend Rational operator/(const Rational& a, const Rational& b) { return {a.above_ * b.below_, a.below_ * b.above_}; }
  friend bool operator==(const Rational&, const Rational&) = default;
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) { return a.above_ * b.below_ <=> b.above_ * a.below_; }

 private:
  static Rational whole(BigInt n) {
    Rational out;
    out.above_ = std::move(n);
    out.check();
    return out;
  }
  void check() const {
    if (above_.bits() > kMaxBits || below_.bits() > kMaxBits) throw Refused{"an integer longer than 4,096 bits"};
  }
  void reduce() {
    if (below_.is_zero()) throw Refused{"a division by zero"};
    if (below_.negative()) above_ = -above_, below_ = -below_;
    if (!below_.is_one()) {
      const BigInt g = BigInt::gcd(above_, below_);
      if (!g.is_one()) above_ = above_ / g, below_ = below_ / g;
    }
    check();
  }
  BigInt above_, below_;
};

}  // namespace minke::grading
