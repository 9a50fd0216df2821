#include "reason/grade/values.h"

#include <fmt/core.h>

#include "reason/grade/exact.h"
#include "reason/grade/real.h"
#include "reason/grade/residue.h"

namespace minke::grading {

namespace {

constexpr int kResiduePoints = 8, kRealPoints = 2, kRealPointsAlone = 6, kTries = 24;
constexpr int kPrecisions[] = {128, 192};

uint64_t mix(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t letter_bits(uint64_t seed, int point, const std::string& name) {
  uint64_t h = mix(seed ^ mix(uint64_t(point)));
  for (const char c : name) h = mix(h ^ static_cast<unsigned char>(c));
  return h;
}

ResidueField residues_at(uint64_t seed, int point) {
  ResidueField f;
  f.point = [=](const std::string& name) { return letter_bits(seed, point, name); };
  return f;
}

// Sizes in (0.3, 4.3); all positive at point 0, all negative at point 1, then as it falls: |x| is not x, nor |xy| xy.
RealField reals_at(uint64_t seed, int point, int bits) {
  RealField f(bits);
  f.point = [=](const std::string& name) {
    const uint64_t h = letter_bits(seed, point, name);
    const Rational size(BigInt(int64_t(h % 4'000'003) + 300'000), BigInt(1'000'000));
    return point == 1 || (point > 1 && (h >> 40) % 2) ? -size : size;
  };
  return f;
}

std::optional<uint64_t> residue_of(const Node& n, uint64_t seed, int point) {
  ResidueField f = residues_at(seed, point);
  try {
    return evaluate(n, f);
  } catch (const Refused&) {
    StepBudget::spend(0);  // a spent budget ends everything, not this point only
    return std::nullopt;
  }
}

struct Measured {
  RealField::Value value;
  int64_t scale = 0;
};

std::optional<Measured> real_of(const Node& n, uint64_t seed, int point, int bits) {
  RealField f = reals_at(seed, point, bits);
  try {
    const RealField::Value v = evaluate(n, f);
    return Measured{v, std::max(f.scale(), magnitude(v))};
  } catch (const Refused&) {
    StepBudget::spend(0);
    return std::nullopt;
  }
}

// Equal as far as `bits` can tell. Where sums cancel, the rest is judged against their terms, but no term beyond 2^64 may excuse a
// difference: nothing is said of `10^60 \pi - 10^60 \pi + 7`.
std::optional<bool> agree(const Measured& a, const Measured& b, int bits) {
  const FloatMath m(bits);
  const int64_t difference = std::max(m.subtract(a.value.re, b.value.re).magnitude(), m.subtract(a.value.im, b.value.im).magnitude());
  const int64_t size = std::max(magnitude(a.value), magnitude(b.value)), scale = std::max(a.scale, b.scale);
  constexpr int64_t kHidden = 64;
  if (size >= scale - kHidden) return difference <= size - (bits - kHidden - 16);
  if (scale > kHidden) return std::nullopt;
  return difference <= scale - (bits - 16);
}

bool agree_at(const Node& a, const Node& b, uint64_t seed, int point, bool& counted) {
  counted = false;
  for (const int bits : kPrecisions) {
    const auto x = real_of(a, seed, point, bits), y = real_of(b, seed, point, bits);
    if (!x || !y) return true;  // a domain may be narrower on one side; other points decide
    const auto equal = agree(*x, *y, bits);
    counted = equal.has_value();
    if (!counted) return true;
    if (!*equal) return false;
  }
  return true;
}

// 1 for infinity, -1 for minus infinity, 0 for anything else.
int infinite_sign(const Node& n) {
  if (n.kind == Kind::kInfinity) return 1;
  return n.kind == Kind::kNegate && n.kids[0].kind == Kind::kInfinity ? -1 : 0;
}

bool constant(const Traits& t) { return t.symbols.empty(); }

ExactField::Value exact_value(const Node& n) {
  ExactField f;
  return evaluate(n, f);
}

}  // namespace

std::optional<Rational> rational_value(const Node& n) {
  if (n.kind == Kind::kNumber) return n.number;
  if (n.kind == Kind::kNegate && n.kids[0].kind == Kind::kNumber) return -n.kids[0].number;
  const Traits t = traits_of(n);
  if (!constant(t) || t.irrational || t.infinite) return std::nullopt;
  const ExactField::Value v = exact_value(n);
  if (!v.im.is_zero()) return std::nullopt;
  return v.re;
}

BigInt factorial(const Rational& n) {
  if (!n.is_integer() || n.negative()) throw Refused{"a factorial of no whole number"};
  if (n > Rational(500)) throw Refused{"an integer longer than 4,096 bits"};
  BigInt out = 1;
  for (int64_t k = 2; k <= n.above().small(); ++k) out = out * BigInt(k);
  if (out.bits() > kMaxBits) throw Refused{"an integer longer than 4,096 bits"};
  return out;
}

BigInt binomial(const Rational& n, const Rational& k) {
  const bool whole = n.is_integer() && k.is_integer() && !n.negative() && !k.negative();
  if (!whole || n > Rational(1'000'000) || k > Rational(500)) throw Refused{"a binomial beyond the bounds"};
  BigInt out = 1;
  for (int64_t j = 0; j < k.above().small(); ++j) {
    out = out * BigInt(n.above().small() - j) / BigInt(j + 1);
    if (out.bits() > kMaxBits) throw Refused{"an integer longer than 4,096 bits"};
  }
  return out;
}

bool same_value(const Node& a, const Node& b, uint64_t seed, std::string& why) {
  const Traits ta = traits_of(a), tb = traits_of(b);
  if (ta.infinite || tb.infinite) {
    why = "infinity";
    if ((ta.infinite && !infinite_sign(a)) || (tb.infinite && !infinite_sign(b))) throw Refused{"arithmetic on infinity"};
    return infinite_sign(a) == infinite_sign(b);
  }
  if (ta.symbols != tb.symbols) {
    why = "different letters";
    return false;
  }
  const bool residues = !ta.irrational && !tb.irrational;
  if (constant(ta) && residues) {
    why = "exact";
    return exact_value(a) == exact_value(b);
  }
  if (residues) {
    why = "polynomials at random points";
    int counted = 0;
    for (int point = 0; point < kTries && counted < kResiduePoints; ++point) {
      const auto x = residue_of(a, seed, point), y = residue_of(b, seed, point);
      if (!x || !y) continue;
      ++counted;
      if (*x != *y) return false;
    }
    if (counted < kResiduePoints) throw Refused{"no value at any point"};
  } else {
    why = constant(ta) ? "in 128 and 192 bits" : "at real points";
  }
  const int wanted = constant(ta) ? 1 : residues ? kRealPoints : kRealPointsAlone;
  const int tries = constant(ta) ? 1 : residues ? kRealPoints : kTries;
  int counted = 0;
  for (int point = 0; point < tries && counted < wanted; ++point) {
    bool good = false;
    if (!agree_at(a, b, seed, point, good)) return false;
    counted += good;
  }
  if (!residues && counted < std::min(wanted, 2)) throw Refused{constant(ta) ? "no real value, or one lost in cancellation" : "no value at any point"};
  return true;
}

bool proportional(const Node& a, const Node& b, Factor factor, uint64_t seed) {
  const Traits ta = traits_of(a), tb = traits_of(b);
  if (ta.infinite || tb.infinite) throw Refused{"arithmetic on infinity"};
  if (ta.symbols != tb.symbols) return false;
  const bool residues = !ta.irrational && !tb.irrational;
  if (residues) {
    ResidueField f;
    std::optional<uint64_t> a0, b0;
    int counted = 0, zeros = 0;
    for (int point = 0; point < kTries && counted < kResiduePoints; ++point) {
      const auto x = residue_of(a, seed, point), y = residue_of(b, seed, point);
      if (!x || !y) continue;
      if ((*x == 0) != (*y == 0)) return false;
      if (*x == 0) {
        if (++zeros == kResiduePoints) return true;  // both are 0 everywhere
        continue;
      }
      if (counted++ == 0) a0 = x, b0 = y;
      else if (f.multiply(*x, *b0) != f.multiply(*y, *a0)) return false;
    }
    if (counted < kResiduePoints) throw Refused{"no value at any point"};
    if (factor == Factor::kAny) return true;
  }
  // The real ratio: one value at every point, and its sign.
  for (const int bits : kPrecisions) {
    RealField f(bits);
    std::optional<Measured> a0, b0;
    int counted = 0;
    for (int point = 0; point < kTries && counted < kRealPointsAlone; ++point) {
      const auto x = real_of(a, seed, point, bits), y = real_of(b, seed, point, bits);
      if (!x || !y) continue;
      if (magnitude(x->value) <= x->scale - bits + 16 || magnitude(y->value) <= y->scale - bits + 16) continue;
      if (counted++ == 0) {
        a0 = x, b0 = y;
        const RealField::Value ratio = f.multiply(x->value, f.invert(y->value));
        const bool real = ratio.im.magnitude() <= ratio.re.magnitude() - 40;
        if (factor == Factor::kPositive && (!real || ratio.re.negative())) return false;
      }
      const Measured left{f.multiply(x->value, b0->value), x->scale + b0->scale}, right{f.multiply(y->value, a0->value), y->scale + a0->scale};
      if (!agree(left, right, bits).value_or(true)) return false;
    }
    if (counted < (constant(ta) ? 1 : 2)) throw Refused{"no value at any point"};
  }
  return true;
}

bool near(const Node& a, const Rational& b, const Rational& absolute, const Rational& relative) {
  const auto x = real_of(a, 0, 0, kPrecisions[0]);
  if (!x || !x->value.im.is_zero()) return false;
  const FloatMath m(kPrecisions[0]);
  const Float y = m.number(b), difference = m.subtract(x->value.re, y).abs();
  const auto within = [&](const Float& bound) {
    const Float rest = m.subtract(bound, difference);
    return rest.is_zero() || !rest.negative();
  };
  // A hair of slack: the difference of a tie (0.125 against 0.13) may come out a bit too large.
  const Float slack{1, x->value.re.magnitude() - 100};
  const Float larger = m.subtract(x->value.re.abs(), y.abs()).negative() ? y.abs() : x->value.re.abs();
  return within(m.add(m.number(absolute), slack)) || within(m.multiply(m.number(relative), larger));
}

int sign_of(const Node& a) {
  if (const int sign = infinite_sign(a)) return sign;
  const auto x = real_of(a, 0, 0, kPrecisions[0]);
  if (!x || !x->value.im.is_zero()) throw Refused{"no order among complex numbers"};
  if (magnitude(x->value) <= x->scale - kPrecisions[0] + 16) return 0;
  return x->value.re.negative() ? -1 : 1;
}

int compare_values(const Node& a, const Node& b, uint64_t seed) {
  std::string why;
  if (same_value(a, b, seed, why)) return 0;
  if (infinite_sign(a)) return infinite_sign(a);
  if (infinite_sign(b)) return -infinite_sign(b);
  return sign_of(node(Kind::kAdd, {a, node(Kind::kNegate, {b})}));
}

std::string value_key(const Node& n) {
  const Traits t = traits_of(n);
  if (t.infinite) return sign_of(n) > 0 ? "inf" : "-inf";
  if (constant(t)) {
    ExactField::Value v;
    bool exact = true;
    try {
      v = exact_value(n);  // also of roots of squares
    } catch (const Refused&) {
      if (!t.irrational) throw;
      StepBudget::spend(0);
      exact = false;
    }
    if (exact) return v.im.is_zero() ? v.re.text() : v.re.text() + "+" + v.im.text() + "i";
  }
  std::string key;
  for (const std::string& s : t.symbols) key += s + ",";
  // Residues where every spelling of the value has them; an irrational spelling of a polynomial gets a name of its own.
  if (!t.irrational) {
    int counted = 0;
    for (int point = 0; point < kTries && counted < 2; ++point)
      if (const auto x = residue_of(n, 0, point)) key += fmt::format(":{:x}", *x), ++counted;
    if (counted == 0) throw Refused{"no value at any point"};
    return key;
  }
  int counted = 0;
  for (int point = 0; point < kTries && counted < (constant(t) ? 1 : 2); ++point) {
    const auto x = real_of(n, 0, point, kPrecisions[1]);
    if (!x) {
      if (constant(t)) break;
      continue;
    }
    ++counted;
    const FloatMath m(kPrecisions[1]);
    const BigInt whole = m.floor(x->value.re);
    if (constant(t) && x->value.im.is_zero() && m.subtract(x->value.re, {whole, 0}).magnitude() < x->scale - 150) return whole.text();  // sqrt(2)^2
    for (const Float* part : {&x->value.re, &x->value.im}) {
      const bool zero = part->magnitude() <= x->scale - 100;
      // 80 bits, rounded to the nearest
      const int64_t shift = part->magnitude() - 80;
      key += zero ? std::string("~0") : "~" + m.floor(part->scaled(-shift)).text() + "p" + std::to_string(shift);
    }
  }
  if (counted == 0) throw Refused{"no value at any point"};
  return key;
}

std::string proportion_key(const Node& n) {
  const Traits t = traits_of(n);
  if (t.irrational) return value_key(n);
  std::string key;
  for (const std::string& s : t.symbols) key += s + ",";
  ResidueField f;
  std::optional<uint64_t> first;
  int counted = 0;
  for (int point = 0; point < kTries && counted < 3; ++point) {
    const auto x = residue_of(n, 0, point);
    if (!x || *x == 0) continue;
    if (counted++ == 0) first = f.invert(*x);
    else key += fmt::format(":{:x}", f.multiply(*x, *first));
  }
  if (counted == 0) throw Refused{"no value at any point"};
  return key;
}

}  // namespace minke::grading
