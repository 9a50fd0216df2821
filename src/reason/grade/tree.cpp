#include "reason/grade/tree.h"

#include <algorithm>

namespace minke::grading {

namespace {

bool whole_constant(const Node& n) {
  if (n.kind == Kind::kNegate) return whole_constant(n.kids[0]);
  return n.kind == Kind::kNumber && n.number.is_integer();
}

void walk(const Node& n, Traits& t) {
  switch (n.kind) {
    case Kind::kSymbol:
      if (std::find(t.symbols.begin(), t.symbols.end(), n.name) == t.symbols.end()) t.symbols.push_back(n.name);
      break;
    case Kind::kNumber: t.decimal |= n.literal == Literal::kDecimal; break;
    case Kind::kPi:
    case Kind::kE:
    case Kind::kRoot: t.irrational = true; break;
    case Kind::kInfinity: t.infinite = true; break;
    case Kind::kPlusMinus: t.plus_minus = true; break;
    case Kind::kPower: t.irrational |= !whole_constant(n.kids[1]); break;
    case Kind::kFunction: t.irrational |= n.name != "fact" && n.name != "binom"; break;
    default: break;
  }
  for (const Node& kid : n.kids) walk(kid, t);
}

}  // namespace

Traits traits_of(const Node& n) {
  Traits t;
  walk(n, t);
  std::sort(t.symbols.begin(), t.symbols.end());
  return t;
}

}  // namespace minke::grading
