#pragma once
// Gaussian rationals a + bi: constants without roots have exact values.
#include "reason/grade/rational.h"

namespace minke::grading {

struct ExactField {
  struct Value {
    Rational re, im;
    friend bool operator==(const Value&, const Value&) = default;
  };
  Value number(const Rational& q) { return {q, 0}; }
  Value i() { return {0, 1}; }
  Value add(const Value& a, const Value& b) { return {a.re + b.re, a.im.is_zero() && b.im.is_zero() ? Rational() : a.im + b.im}; }
  Value multiply(const Value& a, const Value& b) {
    if (a.im.is_zero() && b.im.is_zero()) return {a.re * b.re, 0};
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
  Value negate(const Value& a) { return {-a.re, -a.im}; }
  Value invert(const Value& a) {
    if (a.im.is_zero()) return {Rational(1) / a.re, 0};
    const Rational norm = a.re * a.re + a.im * a.im;
    return {a.re / norm, -(a.im / norm)};
  }
  Value symbol(const std::string&) { none(); }
  Value pi() { none(); }
  Value exp(const Value&) { none(); }
  Value root(const Value& a, int n) {
    if (n == 1) return a;
    if (n != 2 || !a.im.is_zero() || a.re.negative()) none();
    const BigInt above = a.re.above().square_root(), below = a.re.below().square_root();
    if (above * above != a.re.above() || below * below != a.re.below()) none();
    return {Rational(above, below), 0};
  }
  Value raise(const Value&, const Value&) { none(); }
  Value function(const std::string&, const Value&) { none(); }

 private:
  [[noreturn]] static void none() { throw Refused{"no exact value"}; }
};

}  // namespace minke::grading
