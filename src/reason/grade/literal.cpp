#include "reason/grade/literal.h"

#include "reason/grade/values.h"

namespace minke::grading {

namespace {

constexpr int kMaxDecimals = 6;
constexpr int kMinSignificant = 2;  // 0.3 is not a third

Rational half_unit(int decimals) { return {1, BigInt(2) * BigInt::power(10, uint32_t(decimals))}; }
Rational relative_bound() { return {1, 10'000}; }

bool within_relative(const Rational& a, const Rational& b) {
  const Rational larger = std::max(a.abs(), b.abs());
  return (a - b).abs() <= relative_bound() * larger;
}

// The exact `x` against a decimal that may be x rounded.
bool is_rounded(const Rational& x, const LiteralNumber& d, GradeMode mode) {
  const Rational difference = (x - d.value).abs();
  const bool six_places = difference <= half_unit(kMaxDecimals) && within_relative(x, d.value);
  if (mode == GradeMode::kStrict) return !x.finite_decimal() && d.decimals >= kMaxDecimals && six_places;
  if (d.decimals > kMaxDecimals) return six_places;
  if (d.significant >= kMinSignificant && difference <= half_unit(d.decimals)) return true;
  return !x.finite_decimal() && within_relative(x, d.value);
}

}  // namespace

std::optional<LiteralNumber> literal_of(const Node& n) {
  if (n.kind == Kind::kNegate) {
    auto inner = literal_of(n.kids[0]);
    if (inner) inner->value = -inner->value;
    return inner;
  }
  if (n.kind == Kind::kNumber && n.literal != Literal::kNone) {
    LiteralNumber out;
    out.value = n.number;
    out.reduced = n.reduced;
    out.decimal = n.literal == Literal::kDecimal;
    out.whole = n.literal == Literal::kInteger || (n.literal != Literal::kMixed && n.number.is_integer());
    out.decimals = n.decimals;
    bool leading = true;
    for (const char c : n.name)
      if (c >= '0' && c <= '9') {
        leading &= c == '0';
        out.significant += !leading;
      }
    return out;
  }
  if (n.kind != Kind::kMul || n.kids.size() != 2) return std::nullopt;
  const Node &first = n.kids[0], &second = n.kids[1];
  if (second.kind == Kind::kInverse) {
    const auto above = literal_of(first), below = literal_of(second.kids[0]);
    const auto integer = [](const Node& k) { return (k.kind == Kind::kNegate ? k.kids[0] : k).literal == Literal::kInteger; };
    if (!above || !below || !integer(first) || !integer(second.kids[0]) || below->value.is_zero()) return std::nullopt;
    LiteralNumber out;
    out.value = above->value / below->value;
    out.reduced = out.value.below() == below->value.above().abs() && !out.value.is_integer() && !(above->value.negative() && below->value.negative());
    return out;
  }
  if (second.kind == Kind::kPower && second.kids[0].kind == Kind::kNumber && second.kids[0].number == Rational(10)) {
    const auto front = literal_of(first);
    const auto exponent = literal_of(second.kids[1]);
    if (!front || !exponent || !exponent->whole || exponent->value.abs() > Rational(kMaxExponent)) return std::nullopt;
    LiteralNumber out;
    const int64_t e = exponent->value.above().small();
    const Rational scale(BigInt::power(10, uint32_t(e < 0 ? -e : e)), 1);
    out.value = e < 0 ? front->value / scale : front->value * scale;
    out.whole = out.value.is_integer();
    return out;
  }
  return std::nullopt;
}

bool literals_agree(const LiteralNumber& a, const LiteralNumber& b, GradeMode mode) {
  if (a.value == b.value) return true;
  if (!a.decimal && !b.decimal) return false;
  // Two decimals differ unless they do so only beyond the sixth place.
  if (a.decimal && b.decimal)
    return mode == GradeMode::kLenient && (a.value - b.value).abs() <= half_unit(kMaxDecimals) && within_relative(a.value, b.value);
  return a.decimal ? is_rounded(b.value, a, mode) : is_rounded(a.value, b, mode);
}

bool rounds_to(const Node& n, const LiteralNumber& d) {
  const bool rounded = d.decimals <= kMaxDecimals && d.significant >= kMinSignificant;
  return near(n, d.value, rounded ? half_unit(d.decimals) : Rational(), relative_bound());
}

}  // namespace minke::grading
