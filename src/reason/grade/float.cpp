#include "reason/grade/float.h"

#include <cmath>

namespace minke::grading {

namespace {

constexpr int kGuard = 24;  // further bits inside a function
constexpr int kDigits = 99;

// pi and ln 2 to 99 decimals, enough for 300 bits; made when the program starts, so that no verdict pays for them.
const BigInt kScale = BigInt::power(10, kDigits);
const BigInt kPiDigits = BigInt::parse("3141592653589793238462643383279502884197169399375105820974944592307816406286208998628034825342117067");
const BigInt kLn2Digits = BigInt::parse("693147180559945309417232121458176568075500134360255254120680009493393621969694715605863326996418687");

}  // namespace

double Float::approximate() const {
  int64_t e = 0;
  const double m = mantissa.mantissa(e);
  e += exponent;
  return e > 1000 ? std::copysign(1e300, m) : e < -1000 ? 0.0 : std::ldexp(m, int(e));
}

Float FloatMath::cut(Float x) const {
  if (x.is_zero()) return {};
  if (x.magnitude() > (1 << 20) || x.magnitude() < -(1 << 20)) throw Refused{"a number beyond 2^1048576"};
  const int64_t excess = x.mantissa.bits() - bits_;
  if (excess > 0) x = {x.mantissa >> excess, x.exponent + excess};
  return x;
}

Float FloatMath::number(const Rational& q) const {
  if (q.is_integer()) return cut({q.above(), 0});
  return divide({q.above(), 0}, {q.below(), 0});
}

Float FloatMath::number(double x) const {
  if (x == 0) return {};
  int e = 0;
  const double m = std::frexp(x, &e);
  return {BigInt(int64_t(std::ldexp(m, 53))), e - 53};
}

Float FloatMath::add(const Float& a, const Float& b) const {
  if (a.is_zero()) return cut(b);
  if (b.is_zero()) return cut(a);
  // What lies wholly below the last place of the other changes nothing.
  if (a.magnitude() > b.magnitude() + bits_ + 4) return cut(a);
  if (b.magnitude() > a.magnitude() + bits_ + 4) return cut(b);
  const int64_t e = std::min(a.exponent, b.exponent);
  return cut({(a.mantissa << (a.exponent - e)) + (b.mantissa << (b.exponent - e)), e});
}

Float FloatMath::multiply(const Float& a, const Float& b) const { return cut({a.mantissa * b.mantissa, a.exponent + b.exponent}); }

Float FloatMath::divide(const Float& a, const Float& b) const {
  if (b.is_zero()) throw Refused{"a division by zero"};
  const int64_t shift = std::max<int64_t>(0, bits_ + 2 + b.mantissa.bits() - a.mantissa.bits());
  return cut({(a.mantissa << shift) / b.mantissa, a.exponent - b.exponent - shift});
}

Float FloatMath::square_root(const Float& x) const {
  if (x.is_zero()) return x;
  int64_t shift = std::max<int64_t>(0, 2 * bits_ + 2 - x.mantissa.bits());
  if ((x.exponent - shift) % 2 != 0) ++shift;
  return cut({(x.mantissa << shift).square_root(), (x.exponent - shift) / 2});
}

Float FloatMath::pi() const { return divide({kPiDigits, 0}, {kScale, 0}); }

Float FloatMath::exp(const Float& x) const {
  if (x.magnitude() > 16) throw Refused{"an exponential beyond the bounds"};
  constexpr int kHalvings = 8;
  const FloatMath m(bits_ + kGuard + kHalvings);
  const Float ln2 = m.divide({kLn2Digits, 0}, {kScale, 0});
  const int64_t k = std::llround(x.approximate() / 0.6931471805599453);
  const Float r = m.subtract(x, m.multiply({BigInt(k), 0}, ln2)).scaled(-kHalvings);
  Float sum{1, 0}, term{1, 0};
  for (int n = 1; n < 200 && term.magnitude() > -m.bits_ - 4; ++n) {
    term = m.divide(m.multiply(term, r), {BigInt(n), 0});
    sum = m.add(sum, term);
  }
  for (int n = 0; n < kHalvings; ++n) sum = m.multiply(sum, sum);
  return cut(sum.scaled(k));
}

// Halley's step y + 2 (x - e^y) / (x + e^y) triples the right digits: from a double's 53 bits, two suffice below 400.
Float FloatMath::ln(const Float& x) const {
  const FloatMath m(bits_ + kGuard);
  const int64_t e = x.magnitude();
  const Float fraction = x.scaled(-e);  // in [1/2, 1)
  Float y = m.number(std::log(fraction.approximate()));
  for (int n = 0; n < 2; ++n) {
    const Float power = m.exp(y);
    y = m.add(y, m.divide(m.subtract(fraction, power).scaled(1), m.add(fraction, power)));
  }
  const Float ln2 = m.divide({kLn2Digits, 0}, {kScale, 0});
  return cut(m.add(y, m.multiply({BigInt(e), 0}, ln2)));
}

void FloatMath::sin_cos(const Float& x, Float& sin, Float& cos) const {
  if (x.magnitude() > 64) throw Refused{"an angle beyond 2^64"};
  const FloatMath m(bits_ + kGuard + int(std::max<int64_t>(0, x.magnitude())));
  const Float quarter = m.pi().scaled(-1);
  const Float turns = m.add(m.divide(x, quarter), {1, -1});
  const BigInt k = m.floor(turns);
  const Float r = m.subtract(x, m.multiply({k, 0}, quarter));
  const Float square = m.multiply(r, r);
  const auto series = [&](Float term, int64_t first) {
    Float sum = term;
    for (int64_t n = first; n < 200 && term.magnitude() > -m.bits_ - 4; n += 2) {
      term = -m.divide(m.multiply(term, square), {BigInt(n * (n + 1)), 0});
      sum = m.add(sum, term);
    }
    return sum;
  };
  Float s = series(r, 2), c = series({1, 0}, 1);
  for (uint64_t turn = k.mod(4); turn > 0; --turn) {
    const Float old = s;
    s = c, c = -old;
  }
  sin = cut(s), cos = cut(c);
}

// tan(arctan x - y) = (x cos y - sin y) / (cos y + x sin y), and tan z = z up to z^3.
Float FloatMath::arctan(const Float& x) const {
  const FloatMath m(bits_ + kGuard);
  if (x.magnitude() > 1) {
    const Float rest = m.arctan(m.divide({1, 0}, x)), right = m.pi().scaled(-1);
    return cut(m.subtract(x.negative() ? -right : right, rest));
  }
  Float y = m.number(std::atan(x.approximate()));
  for (int n = 0; n < 2; ++n) {
    Float s, c;
    m.sin_cos(y, s, c);
    y = m.add(y, m.divide(m.subtract(m.multiply(x, c), s), m.add(c, m.multiply(x, s))));
  }
  return cut(y);
}

BigInt FloatMath::floor(const Float& x) const {
  const Float shifted = add(x, {1, -1});  // to the nearest first
  const auto down = [](const Float& v) -> BigInt {
    if (v.exponent >= 0) return v.mantissa << v.exponent;
    const BigInt whole = v.mantissa >> -v.exponent;  // towards zero
    return v.negative() && !((whole << -v.exponent) == v.mantissa) ? whole - 1 : whole;
  };
  const BigInt nearest = down(shifted);
  if (subtract(x, {nearest, 0}).magnitude() < -40) return nearest;
  return down(x);
}

}  // namespace minke::grading
