#include "reason/grade/compare.h"

#include <algorithm>

#include "reason/grade/literal.h"
#include "reason/grade/values.h"

namespace minke::grading {

namespace {

struct Quantity {
  const Node* value;
  std::string unit;
  int power = 0;
  bool percent = false;
};

Quantity quantity_of(const Node& n) {
  if (n.kind == Kind::kPercent) return {&n.kids[0], "", 0, true};
  if (n.kind == Kind::kUnit) return {&n.kids[0], n.name, n.count, false};
  return {&n, "", 0, false};
}

Node hundredth(const Node& n) {
  if (const auto literal = literal_of(n)) {
    Node out = number_node(literal->value * Rational(BigInt(1), BigInt(100)));
    out.literal = Literal::kScientific;  // an exact literal without decimals of its own
    return out;
  }
  return node(Kind::kMul, {n, number_node(Rational(BigInt(1), BigInt(100)))});
}

// x < 1 or x > 3 as a union of intervals.
std::optional<Node> alternatives(const Node& list) {
  Node out = node(Kind::kUnion);
  for (const Node& kid : list.kids) {
    auto interval = kid.kind == Kind::kRelation ? interval_of(kid) : std::nullopt;
    if (!interval || interval->kind != Kind::kTuple || list.name == "and") return std::nullopt;
    out.kids.push_back(std::move(*interval));
  }
  return out;
}

bool is_equation(const Node& n) { return n.kind == Kind::kRelation && n.name.find_first_not_of('=') == std::string::npos; }

}  // namespace

bool Comparison::same(const Node& gold, const Node& answer) {
  if (gold.kind == Kind::kRelation) return relation(gold, answer);
  if (answer.kind == Kind::kRelation) {
    if (is_equation(answer)) return assigned(gold, answer);
    return decide(false, "an inequality where the gold is none");
  }
  const bool answer_collects = answer.kind == Kind::kList || answer.kind == Kind::kTuple || answer.kind == Kind::kSet;
  if (gold.scalar()) {
    if (answer.scalar()) return scalar(gold, answer);
    if (lenient_ && answer.kind == Kind::kSet && answer.kids.size() == 1) return same(gold, answer.kids[0]);
    if (const auto number = as_thousands(answer)) return scalar(gold, *number);
    return decide(false, answer_collects ? "several values where the gold is one" : "not a number");
  }
  switch (gold.kind) {
    case Kind::kUnion: return unions(gold, answer);
    case Kind::kTuple:
      if (answer.kind == Kind::kUnion) return unions(gold, answer);
      if (answer.kind == Kind::kTuple && answer.open == gold.open && answer.close == gold.close) return in_order(gold, answer);
      if (answer.kind == Kind::kTuple) return decide(false, "other brackets");
      if (lenient_ && answer.kind == Kind::kList && gold.open == '(' && gold.close == ')') return in_order(gold, answer);
      return decide(false, "not a tuple");
    case Kind::kSet:
    case Kind::kList:
      if (answer.kind == Kind::kSet || answer.kind == Kind::kList) return in_any_order(gold, answer);
      if (lenient_ && answer.kind == Kind::kTuple && gold.kind == Kind::kList) return in_order(gold, answer);
      if (const auto parts = alternatives(gold); parts && answer.kind == Kind::kUnion) return unions(*parts, answer);
      if (lenient_ && answer.scalar() && gold.kids.size() == 1) return same(gold.kids[0], answer);
      return decide(false, gold.kind == Kind::kSet ? "not a set" : "not a list of values");
    case Kind::kRatio:
      if (answer.kind == Kind::kRatio) return in_order(gold, answer);
      return decide(false, "not a ratio");
    case Kind::kMatrix:
      if (answer.kind != Kind::kMatrix) return decide(false, "not a matrix");
      if (answer.count != gold.count || answer.name != gold.name) return decide(false, "a matrix of another shape");
      return in_order(gold, answer);
    default: break;
  }
  throw Refused{"nothing to compare"};
}

// ---- numbers and expressions

bool Comparison::scalar(const Node& gold, const Node& answer) {
  const Quantity g = quantity_of(gold), a = quantity_of(answer);
  if (!g.unit.empty() && (!a.unit.empty() || a.percent) && g.unit != a.unit) return decide(false, "another unit");
  if (!lenient_ && g.power && a.power && g.power != a.power) return decide(false, "another power of the unit");
  if (g.percent == a.percent) return value(*g.value, *a.value);
  if (value(*g.value, *a.value)) return decide(true, "per cent");
  return decide(g.percent ? value(hundredth(*g.value), *a.value) : value(*g.value, hundredth(*a.value)), "per cent");
}

bool Comparison::value(const Node& gold, const Node& answer) {
  if (gold.kind == Kind::kBased || answer.kind == Kind::kBased)
    return decide(gold.kind == answer.kind && gold.name == answer.name, "digits in a base");
  const auto g = literal_of(gold), a = literal_of(answer);
  if (g && a) {
    if (!lenient_ && g->whole && !a->whole) return decide(false, "strict: a whole number is written as one");
    if (!lenient_ && !a->reduced) return decide(false, "strict: the fraction is not reduced");
    return decide(literals_agree(*g, *a, mode_), g->decimal || a->decimal ? "decimals" : "exact");
  }
  if (g && !lenient_) return decide(false, "strict: the gold is a number, the answer has to be worked out");
  const bool gold_decimal = g && g->decimal, answer_decimal = a && a->decimal;
  if (!lenient_ && traits_of(answer).decimal && !traits_of(gold).decimal && traits_of(gold).irrational)
    return decide(false, "strict: a decimal for an exact gold");
  std::string how;
  const bool equal = same_value(gold, answer, seed_, how);
  if (!equal && lenient_ && gold_decimal != answer_decimal) {
    const Node& other = gold_decimal ? answer : gold;
    const Traits t = traits_of(other);
    if (t.symbols.empty() && !t.infinite && rounds_to(other, gold_decimal ? *g : *a)) return decide(true, "decimals");
  }
  return decide(equal, how);
}

// ---- equations and inequalities

bool short_name(const Node& n, bool loose) {
  const auto characters = [](const Node& k) { return k.name.starts_with('\\') ? size_t(1) : k.name.size(); };
  if (n.kind == Kind::kSymbol) return loose || characters(n) <= 2;
  if (n.kind == Kind::kE || n.kind == Kind::kI) return true;
  if (n.kind != Kind::kMul || n.kids.size() != 2) return false;
  const bool letters = n.kids[0].kind == Kind::kSymbol && n.kids[1].kind == Kind::kSymbol;
  return letters && characters(n.kids[0]) + characters(n.kids[1]) <= 2;  // f(x) too: its brackets are gone
}

// Row 4: the last side of x = ... = value. Numbers on the way must be the gold's value: 5 = 6 = 7 hedges.
bool Comparison::assigned(const Node& gold, const Node& answer) {
  bool named = false;
  for (size_t k = 0; k + 1 < answer.kids.size(); ++k) {
    const Node& side = answer.kids[k];
    const auto is_letter = [](const Node& n) { return n.kind == Kind::kSymbol; };
    const bool point = lenient_ && side.kind == Kind::kTuple && std::all_of(side.kids.begin(), side.kids.end(), is_letter);
    if (point || short_name(side, lenient_)) {  // (x, y) = (3, 4)
      named = true;
    } else if (side.scalar() && traits_of(side).symbols.empty() && gold.scalar()) {
      std::string how;
      if (!same_value(*quantity_of(gold).value, *quantity_of(side).value, seed_, how)) return decide(false, "an equation whose sides differ");
      named = true;
    } else if (answer.kids.size() == 2) {
      return decide(false, "an equation where the gold is none");
    }
  }
  return named ? same(gold, answer.kids.back()) : decide(false, "an equation where the gold is none");
}

bool Comparison::relation(const Node& gold, const Node& answer) {
  if (answer.kind == Kind::kRelation) {
    if (is_equation(gold) != is_equation(answer)) return decide(false, "another kind of relation");
    return is_equation(gold) ? equation(gold, answer) : inequalities(gold, answer);
  }
  if (is_equation(gold)) {
    if (lenient_ && gold.kids.size() == 2 && short_name(gold.kids[0], true)) return same(gold.kids[1], answer);
    return decide(false, "not an equation");
  }
  const bool intervals = answer.kind == Kind::kTuple || answer.kind == Kind::kUnion;
  if (const auto interval = interval_of(gold); interval && intervals) return same(*interval, answer);
  return decide(false, "not an inequality");
}

bool Comparison::equation(const Node& gold, const Node& answer) {
  if (gold.kids.size() > 2) {
    if (answer.kids.size() != gold.kids.size()) return decide(false, "a chain of another length");
    return in_order(gold, answer);
  }
  const Node &left = gold.kids[0], &right = gold.kids[1], &answer_left = answer.kids[0], &answer_right = answer.kids.back();
  const auto names = [](const Node& l, const Node& r) {
    if (l.kind != Kind::kSymbol) return false;
    const Traits t = traits_of(r);
    return std::find(t.symbols.begin(), t.symbols.end(), l.name) == t.symbols.end();
  };
  if (names(left, right) && names(answer_left, answer_right) && left.name == answer_left.name) return same(right, answer_right);
  const bool scalars = left.scalar() && right.scalar() && answer_left.scalar() && answer_right.scalar();
  if (!scalars) return same(left, answer_left) && same(right, answer_right);
  const auto difference = [](const Node& l, const Node& r) { return node(Kind::kAdd, {l, node(Kind::kNegate, {r})}); };
  return decide(proportional(difference(left, right), difference(answer_left, answer_right), Factor::kAny, seed_), "equations up to a factor");
}

// Each pair of neighbours says d < 0, d <= 0 or d != 0; the same pairs in any order say the same.
bool Comparison::inequalities(const Node& gold, const Node& answer) {
  struct Claim {
    Node difference;
    char sign;
  };
  const auto claims = [](const Node& n) {
    std::vector<Claim> out;
    for (size_t k = 0; k < n.name.size(); ++k) {
      const char sign = n.name[k];
      const bool flip = sign == '>' || sign == 'g';
      const Node &l = n.kids[flip ? k + 1 : k], &r = n.kids[flip ? k : k + 1];
      if (!l.scalar() || !r.scalar()) throw Refused{"an inequality of no numbers"};
      if (traits_of(l).infinite || traits_of(r).infinite) continue;  // -\infty < x says nothing
      out.push_back({node(Kind::kAdd, {l, node(Kind::kNegate, {r})}), sign == '>' ? '<' : sign == 'g' ? 'l' : sign});
    }
    return out;
  };
  const std::vector<Claim> g = claims(gold), a = claims(answer);
  if (g.empty()) throw Refused{"an inequality that says nothing"};
  const auto factor_of = [](char sign) { return sign == '#' || sign == '=' ? Factor::kAny : Factor::kPositive; };
  const auto covered = [&](const std::vector<Claim>& some, const std::vector<Claim>& others) {
    for (const Claim& c : some) {
      bool found = false;
      for (const Claim& o : others)
        found = found || (c.sign == o.sign && proportional(c.difference, o.difference, factor_of(c.sign), seed_));
      if (!found) return false;
    }
    return true;
  };
  return decide(g.size() == a.size() && covered(g, a) && covered(a, g), "inequalities");
}

std::optional<Node> interval_of(const Node& relation) {
  const auto constant = [](const Node& n) { return n.scalar() && traits_of(n).symbols.empty(); };
  const auto tuple = [](char open, Node low, Node high, char close) {
    Node t = node(Kind::kTuple, {std::move(low), std::move(high)});
    t.open = open, t.close = close;
    return t;
  };
  const Node infinity = node(Kind::kInfinity), minus_infinity = node(Kind::kNegate, {infinity});
  const std::string& signs = relation.name;
  const std::vector<Node>& sides = relation.kids;
  if (sides.size() == 2) {
    const bool letter_first = sides[0].kind == Kind::kSymbol;
    const Node& bound = sides[letter_first ? 1 : 0];
    if ((!letter_first && sides[1].kind != Kind::kSymbol) || !constant(bound)) return std::nullopt;
    if (signs == "#") return node(Kind::kUnion, {tuple('(', minus_infinity, bound, ')'), tuple('(', bound, infinity, ')')});
    const bool closed = signs == "l" || signs == "g";
    const bool below = (signs == "<" || signs == "l") == letter_first;
    return below ? tuple('(', minus_infinity, bound, closed ? ']' : ')') : tuple(closed ? '[' : '(', bound, infinity, ')');
  }
  if (sides.size() != 3 || sides[1].kind != Kind::kSymbol || !constant(sides[0]) || !constant(sides[2])) return std::nullopt;
  const auto rising = [](char c) { return c == '<' || c == 'l'; };
  const auto falling = [](char c) { return c == '>' || c == 'g'; };
  if (rising(signs[0]) && rising(signs[1])) return tuple(signs[0] == 'l' ? '[' : '(', sides[0], sides[2], signs[1] == 'l' ? ']' : ')');
  if (falling(signs[0]) && falling(signs[1])) return tuple(signs[1] == 'g' ? '[' : '(', sides[2], sides[0], signs[0] == 'g' ? ']' : ')');
  return std::nullopt;
}

}  // namespace minke::grading
