#pragma once
// Complex numbers of a stated precision, for what has no exact value: roots, pi, e, functions.
#include <functional>

#include "reason/grade/float.h"

namespace minke::grading {

class RealField {
 public:
  struct Value {
    Float re, im;
  };
  explicit RealField(int bits) : math_(bits) {}
  std::function<Rational(const std::string&)> point;  // the value of a letter
  const FloatMath& math() const { return math_; }
  // The largest magnitude of a term of any sum so far: what cancellation can hide is measured against it.
  int64_t scale() const { return scale_; }

  Value number(const Rational& q) { return {math_.number(q), {}}; }
  Value symbol(const std::string& name) { return number(point(name)); }
  Value i() { return {{}, {1, 0}}; }
  Value pi() { return {math_.pi(), {}}; }
  Value add(const Value& a, const Value& b);
  Value multiply(const Value& a, const Value& b);
  Value negate(const Value& a) { return {-a.re, -a.im}; }
  Value invert(const Value& a);
  Value exp(const Value& a);
  Value root(const Value& a, int n);  // real where one is: odd roots of negative numbers are negative
  Value raise(const Value& a, const Value& b);
  Value function(const std::string& name, const Value& a);

 private:
  Float real(const Value& a) const;  // Refused with an imaginary part
  FloatMath math_;
  int64_t scale_ = 0;
};

int64_t magnitude(const RealField::Value& v);

}  // namespace minke::grading
