// Tuples, sets, intervals and their unions.
#include <algorithm>

#include "reason/grade/compare.h"
#include "reason/grade/values.h"

namespace minke::grading {

bool Comparison::in_order(const Node& gold, const Node& answer) {
  if (gold.kids.size() != answer.kids.size()) return decide(false, "another number of elements");
  for (size_t k = 0; k < gold.kids.size(); ++k)
    if (!same(gold.kids[k], answer.kids[k])) return decide(false, "element " + std::to_string(k + 1) + " differs: " + why_);
  return decide(true, "element by element");
}

// Each of one side is found on the other, both ways.
bool Comparison::in_any_order(const Node& gold, const Node& answer) {
  if (!lenient_ && gold.kids.size() != answer.kids.size()) return decide(false, "another number of elements");
  std::vector<bool> found(answer.kids.size(), false);
  for (const Node& g : gold.kids) {
    bool any = false;
    for (size_t k = 0; k < answer.kids.size(); ++k)
      if ((!any || !found[k]) && same(g, answer.kids[k])) any = found[k] = true;
    if (!any) return decide(false, "an element is missing");
  }
  if (std::find(found.begin(), found.end(), false) != found.end()) return decide(false, "an element too many");
  return decide(true, "the same elements");
}

bool Comparison::unions(const Node& gold, const Node& answer) {
  if (answer.kind != Kind::kUnion && answer.kind != Kind::kTuple && answer.kind != Kind::kSet) return decide(false, "not a union of intervals");
  const std::vector<Node> g = merged_parts(gold, seed_), a = merged_parts(answer, seed_);
  if (g.size() != a.size()) return decide(false, "another union of intervals");
  for (size_t k = 0; k < g.size(); ++k)
    if (g[k].open != a[k].open || g[k].close != a[k].close || !same(g[k].kids[0], a[k].kids[0]) || !same(g[k].kids[1], a[k].kids[1]))
      return decide(false, "another union of intervals");
  return decide(true, "unions of intervals");
}

std::vector<Node> merged_parts(const Node& n, uint64_t seed) {
  std::vector<Node> parts;
  const auto collect = [&](const Node& part) {
    if (part.kind == Kind::kSet) {
      for (const Node& point : part.kids) {
        Node t = node(Kind::kTuple, {point, point});
        t.open = '[', t.close = ']';
        parts.push_back(std::move(t));
      }
    } else if (part.kind == Kind::kTuple && part.kids.size() == 2 && part.open != '<') {
      parts.push_back(part);
    } else {
      throw Refused{"a union of something that is no interval"};
    }
    for (const Node& p : parts)
      for (const Node& end : p.kids)
        if (!end.scalar() || !traits_of(end).symbols.empty()) throw Refused{"an interval of no numbers"};
  };
  if (n.kind == Kind::kUnion) {
    for (const Node& kid : n.kids) collect(kid);
  } else {
    collect(n);
  }
  std::stable_sort(parts.begin(), parts.end(), [&](const Node& a, const Node& b) {
    const int c = compare_values(a.kids[0], b.kids[0], seed);
    return c != 0 ? c < 0 : a.open == '[' && b.open != '[';
  });
  std::vector<Node> out;
  for (Node& part : parts) {
    if (!out.empty()) {
      Node& last = out.back();
      const int c = compare_values(part.kids[0], last.kids[1], seed);
      if (c < 0 || (c == 0 && (part.open == '[' || last.close == ']'))) {
        const int ends = compare_values(part.kids[1], last.kids[1], seed);
        if (ends > 0) last.kids[1] = part.kids[1], last.close = part.close;
        else if (ends == 0 && part.close == ']') last.close = ']';
        continue;
      }
    }
    out.push_back(std::move(part));
  }
  return out;
}

std::optional<Node> as_thousands(const Node& n) {
  const bool plain = n.kind == Kind::kList || (n.kind == Kind::kTuple && n.open == '(' && n.close == ')');
  if (!plain || n.kids.size() < 2) return std::nullopt;
  std::string digits;
  bool negative = false;
  int decimals = 0;
  for (size_t k = 0; k < n.kids.size(); ++k) {
    const Node* kid = &n.kids[k];
    if (k == 0 && kid->kind == Kind::kNegate) negative = true, kid = &kid->kids[0];
    const bool last = k + 1 == n.kids.size();
    const bool digits_alone = kid->literal == Literal::kInteger || (last && k > 0 && kid->literal == Literal::kDecimal);
    if (kid->kind != Kind::kNumber || kid->grouped || !digits_alone) return std::nullopt;
    const size_t whole = kid->name.find('.') == std::string::npos ? kid->name.size() : kid->name.find('.');
    if (k == 0 ? whole == 0 || whole > 3 : whole != 3) return std::nullopt;
    for (const char c : kid->name)
      if (c != '.') digits += c;
    decimals = kid->decimals;
  }
  Node out = number_node(Rational(BigInt::parse(digits), BigInt::power(10, uint32_t(decimals))));
  out.name = digits;
  out.literal = decimals ? Literal::kDecimal : Literal::kInteger;
  out.decimals = decimals;
  return negative ? node(Kind::kNegate, {std::move(out)}) : out;
}

}  // namespace minke::grading
