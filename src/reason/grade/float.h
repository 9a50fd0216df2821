#pragma once
// Binary floating point of any precision: mantissa * 2^exponent, cut to `bits` after each operation. Results of the functions are
// right to a few units of the last place.
#include "reason/grade/rational.h"

namespace minke::grading {

struct Float {
  BigInt mantissa;
  int64_t exponent = 0;
  bool is_zero() const { return mantissa.is_zero(); }
  bool negative() const { return mantissa.negative(); }
  // |x| < 2^magnitude(), |x| >= 2^(magnitude() - 1); very small for 0.
  int64_t magnitude() const { return is_zero() ? -(int64_t(1) << 40) : mantissa.bits() + exponent; }
  Float operator-() const { return {-mantissa, exponent}; }
  Float abs() const { return {mantissa.abs(), exponent}; }
  Float scaled(int64_t powers_of_two) const { return {mantissa, exponent + powers_of_two}; }
  double approximate() const;
};

class FloatMath {
 public:
  explicit FloatMath(int bits) : bits_(bits) {}
  int bits() const { return bits_; }
  Float cut(Float x) const;
  Float number(const Rational& q) const;
  Float number(double x) const;
  Float add(const Float& a, const Float& b) const;
  Float subtract(const Float& a, const Float& b) const { return add(a, -b); }
  Float multiply(const Float& a, const Float& b) const;
  Float divide(const Float& a, const Float& b) const;  // Refused for b = 0
  Float square_root(const Float& x) const;             // x >= 0
  Float pi() const;
  Float exp(const Float& x) const;                     // Refused for |x| >= 2^16
  Float ln(const Float& x) const;                      // x > 0
  void sin_cos(const Float& x, Float& sin, Float& cos) const;  // Refused for |x| >= 2^64
  Float arctan(const Float& x) const;
  BigInt floor(const Float& x) const;                  // of a value within 2^-40 of a whole number: that number

 private:
  int bits_;
};

}  // namespace minke::grading
