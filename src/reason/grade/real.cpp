#include "reason/grade/real.h"

#include <algorithm>

namespace minke::grading {

using Value = RealField::Value;

int64_t magnitude(const Value& v) { return std::max(v.re.magnitude(), v.im.magnitude()); }

Float RealField::real(const Value& a) const {
  if (!a.im.is_zero()) throw Refused{"a function of a complex number"};
  return a.re;
}

Value RealField::add(const Value& a, const Value& b) {
  scale_ = std::max({scale_, magnitude(a), magnitude(b)});
  return {math_.add(a.re, b.re), math_.add(a.im, b.im)};
}

Value RealField::multiply(const Value& a, const Value& b) {
  if (a.im.is_zero() && b.im.is_zero()) return {math_.multiply(a.re, b.re), {}};
  return {math_.subtract(math_.multiply(a.re, b.re), math_.multiply(a.im, b.im)), math_.add(math_.multiply(a.re, b.im), math_.multiply(a.im, b.re))};
}

Value RealField::invert(const Value& a) {
  if (a.im.is_zero()) return {math_.divide({1, 0}, a.re), {}};
  const Float norm = math_.add(math_.multiply(a.re, a.re), math_.multiply(a.im, a.im));
  return {math_.divide(a.re, norm), math_.divide(-a.im, norm)};
}

Value RealField::exp(const Value& a) {
  const Float size = math_.exp(a.re);
  if (a.im.is_zero()) return {size, {}};
  Float s, c;
  math_.sin_cos(a.im, s, c);
  return {math_.multiply(size, c), math_.multiply(size, s)};
}

Value RealField::root(const Value& a, int n) {
  if (n == 1) return a;
  if (!a.im.is_zero()) {
    if (n != 2) throw Refused{"a root of a complex number"};
    const Float size = math_.square_root(math_.add(math_.multiply(a.re, a.re), math_.multiply(a.im, a.im)));
    const Float re = math_.square_root(math_.add(size, a.re).scaled(-1).abs()), im = math_.square_root(math_.subtract(size, a.re).scaled(-1).abs());
    return {re, a.im.negative() ? -im : im};
  }
  if (a.re.is_zero()) return a;
  const Float x = a.re.abs();
  const Float size = n == 2 ? math_.square_root(x) : math_.exp(math_.divide(math_.ln(x), {BigInt(n), 0}));
  if (!a.re.negative()) return {size, {}};
  if (n % 2) return {-size, {}};
  if (n == 2) return {{}, size};
  return multiply({size, {}}, exp({{}, math_.divide(math_.pi(), {BigInt(n), 0})}));
}

Value RealField::raise(const Value& a, const Value& b) {
  const Float base = real(a);
  if (base.is_zero() || base.negative()) throw Refused{"a power of no positive number"};
  return exp(multiply({math_.ln(base), {}}, b));
}

Value RealField::function(const std::string& name, const Value& a) {
  const Float one{1, 0};
  if (name == "abs") {
    if (a.im.is_zero()) return {a.re.abs(), {}};
    return {math_.square_root(math_.add(math_.multiply(a.re, a.re), math_.multiply(a.im, a.im))), {}};
  }
  const Float x = real(a);
  if (name == "ln" || name == "log") {
    if (x.is_zero() || x.negative()) throw Refused{"a logarithm of no positive number"};
    const Float y = math_.ln(x);
    return {name == "ln" ? y : math_.divide(y, math_.ln({10, 0})), {}};
  }
  if (name == "floor") return {math_.cut({math_.floor(x), 0}), {}};
  if (name == "ceil") return {-math_.cut({math_.floor(-x), 0}), {}};
  if (name == "arctan") return {math_.arctan(x), {}};
  if (name == "arcsin" || name == "arccos") {
    const Float rest = math_.subtract(one, math_.multiply(x, x)), right = math_.pi().scaled(-1);
    if (rest.negative()) throw Refused{"an arc sine beyond 1"};
    const Float y = rest.is_zero() ? (x.negative() ? -right : right) : math_.arctan(math_.divide(x, math_.square_root(rest)));
    return {name == "arcsin" ? y : math_.subtract(right, y), {}};
  }
  Float s, c;
  math_.sin_cos(x, s, c);
  scale_ = std::max<int64_t>(scale_, x.magnitude());
  if (name == "sin") return {s, {}};
  if (name == "cos") return {c, {}};
  // A pole met through rounding (tan of pi / 2) is a pole.
  const Float& below = name == "tan" || name == "sec" ? c : s;
  if (below.magnitude() < -math_.bits() + 16) throw Refused{"a division by zero"};
  if (name == "tan") return {math_.divide(s, c), {}};
  if (name == "cot") return {math_.divide(c, s), {}};
  if (name == "sec") return {math_.divide(one, c), {}};
  if (name == "csc") return {math_.divide(one, s), {}};
  throw Refused{"an unknown function: " + name};
}

}  // namespace minke::grading
