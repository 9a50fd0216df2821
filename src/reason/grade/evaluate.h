#pragma once
// One walk over a scalar tree for every number system. A Field offers Value and
//   number(Rational) symbol(name) i() add(a, b) multiply(a, b) negate(a) invert(a)
// and, where the system has such things (else they throw Refused):
//   pi() exp(a) root(a, n) raise(a, b) function(name, a)
#include <algorithm>
#include <optional>

#include "reason/grade/tree.h"

namespace minke::grading {

// The exact value of a constant tree without roots and functions; nothing if it is another.
std::optional<Rational> rational_value(const Node& n);

BigInt factorial(const Rational& n);                     // Refused beyond the bounds
BigInt binomial(const Rational& n, const Rational& k);

template <class Field>
typename Field::Value whole_power(const typename Field::Value& base, int64_t exponent, Field& f) {
  if (exponent > kMaxExponent || exponent < -kMaxExponent) throw Refused{"an exponent above 64"};
  typename Field::Value out = f.number(Rational(1)), square = base;
  for (int64_t e = exponent < 0 ? -exponent : exponent; e; e >>= 1) {
    if (e & 1) out = f.multiply(out, square);
    if (e > 1) square = f.multiply(square, square);
  }
  return exponent < 0 ? f.invert(out) : out;
}

template <class Field>
typename Field::Value evaluate(const Node& n, Field& f) {
  StepBudget::spend(4);
  switch (n.kind) {
    case Kind::kNumber: return f.number(n.number);
    case Kind::kSymbol: return f.symbol(n.name);
    case Kind::kPi: return f.pi();
    case Kind::kE: return f.exp(f.number(Rational(1)));
    case Kind::kI: return f.i();
    case Kind::kAdd:
    case Kind::kMul: {
      typename Field::Value sum = evaluate(n.kids[0], f);
      for (size_t k = 1; k < n.kids.size(); ++k) {
        const typename Field::Value term = evaluate(n.kids[k], f);
        sum = n.kind == Kind::kAdd ? f.add(sum, term) : f.multiply(sum, term);
      }
      return sum;
    }
    case Kind::kNegate: return f.negate(evaluate(n.kids[0], f));
    case Kind::kInverse: return f.invert(evaluate(n.kids[0], f));
    case Kind::kRoot: return f.root(evaluate(n.kids[0], f), n.count);
    case Kind::kPower: {
      const Node &base = n.kids[0], &exponent = n.kids[1];
      if (const auto value = rational_value(exponent)) {
        if (value->abs() > Rational(kMaxExponent) || value->below() > BigInt(kMaxExponent)) throw Refused{"an exponent above 64"};
        typename Field::Value b = evaluate(base, f);
        if (!value->is_integer()) b = f.root(b, int(value->below().small()));
        return whole_power(b, value->above().small(), f);
      }
      if (base.kind == Kind::kE) return f.exp(evaluate(exponent, f));
      return f.raise(evaluate(base, f), evaluate(exponent, f));
    }
    case Kind::kFunction: {
      if (n.name == "fact" || n.name == "binom") {
        std::optional<Rational> arguments[2];
        for (size_t k = 0; k < n.kids.size(); ++k)
          if (!(arguments[k] = rational_value(n.kids[k]))) throw Refused{n.name == "fact" ? "a factorial of no number" : "a binomial of no numbers"};
        return f.number(Rational(n.name == "fact" ? factorial(*arguments[0]) : binomial(*arguments[0], *arguments[1]), 1));
      }
      const typename Field::Value a = evaluate(n.kids[0], f);
      if (n.name == "exp") return f.exp(a);
      if (n.kids.size() == 1) return f.function(n.name, a);
      return f.multiply(f.function("ln", a), f.invert(f.function("ln", evaluate(n.kids[1], f))));  // a logarithm with its base
    }
    case Kind::kPercent: return f.multiply(evaluate(n.kids[0], f), f.number(Rational(1, 100)));
    default: break;
  }
  throw Refused{"no number"};
}

}  // namespace minke::grading
