#include <iterator>

#include "reason/grade/parser.h"

namespace minke::grading {

namespace {

void choose_signs(Node& n, bool upper) {
  for (Node& kid : n.kids) choose_signs(kid, upper);
  if (n.kind != Kind::kPlusMinus) return;
  const bool minus = (n.name == "-+") == upper;
  Node kid = std::move(n.kids[0]);
  n = minus ? node(Kind::kNegate, {std::move(kid)}) : std::move(kid);
}

}  // namespace

Node expanded(Node n) {
  if (!traits_of(n).plus_minus) return n;
  if (n.scalar() || (n.kind == Kind::kRelation && n.name == "=")) {  // also x = 1 \pm 2
    Node list = node(Kind::kList, {n, std::move(n)});
    choose_signs(list.kids[0], true);
    choose_signs(list.kids[1], false);
    return list;
  }
  if (n.kind != Kind::kList && n.kind != Kind::kSet) throw Refused{"plus-minus inside a tuple"};
  std::vector<Node> out;
  for (Node& kid : n.kids) {
    Node e = expanded(std::move(kid));
    if (e.kind == Kind::kList) std::move(e.kids.begin(), e.kids.end(), std::back_inserter(out));
    else out.push_back(std::move(e));
  }
  n.kids = std::move(out);
  return n;
}

}  // namespace minke::grading
