#pragma once
// Residues of a 61-bit prime: two different polynomials or fractions of them agree at a random point with a chance below
// degree / 2^60. The prime is 1 mod 4, so that i has a value too.
#include <functional>

#include "reason/grade/rational.h"

namespace minke::grading {

struct ResidueField {
  using Value = uint64_t;
  static constexpr uint64_t kPrime = 2305843009213693921u;      // the largest such below 2^61
  static constexpr uint64_t kRootOfMinusOne = 583529827753931384u;

  std::function<uint64_t(const std::string&)> point;  // the residue of a letter

  Value number(const Rational& q) {
    const Value above = q.above().mod(kPrime);
    return q.is_integer() ? above : multiply(above, invert(q.below().mod(kPrime)));
  }
  Value symbol(const std::string& name) { return point(name) % kPrime; }
  Value i() { return kRootOfMinusOne; }
  Value add(Value a, Value b) { return (a + b) % kPrime; }
  Value multiply(Value a, Value b) { return Value((unsigned __int128)a * b % kPrime); }
  Value negate(Value a) { return a ? kPrime - a : 0; }
  Value invert(Value a) {
    if (a == 0) throw Refused{"a division by zero"};
    StepBudget::spend(64);
    Value out = 1;
    for (uint64_t e = kPrime - 2; e; e >>= 1, a = multiply(a, a))
      if (e & 1) out = multiply(out, a);
    return out;
  }
  Value pi() { none(); }
  Value exp(Value) { none(); }
  Value root(Value, int) { none(); }
  Value raise(Value, Value) { none(); }
  Value function(const std::string&, Value) { none(); }

 private:
  [[noreturn]] static void none() { throw Refused{"no residue"}; }
};

}  // namespace minke::grading
