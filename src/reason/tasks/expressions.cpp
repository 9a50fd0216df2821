// Expression trees with + - * over 1-9, modulo 97. The trace is one operation a line, in the order of evaluation: `8 * 61 = 488 -> 3`.
#include <fmt/format.h>

#include "reason/tasks/expression_tree.h"
#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

// Does a + b + c or a * b * c stand in it? Such a chain is written the same however it is grouped, but the key names the grouping.
bool has_chain(const ExpressionNode& node) {
  if (node.op == 0) return false;
  const bool here = node.op != '-' && (node.left->op == node.op || node.right->op == node.op);
  return here || has_chain(*node.left) || has_chain(*node.right);
}

}  // namespace

bool draw_expressions(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_expression(rng, level, "+-*", 9);
  out.canonical_key = fmt::format("expressions:{}", canonical_expression(*tree));
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("Compute ({}) mod {}.", written_expression(*tree), kExpressionModulus);
  out.has_twins = has_chain(*tree);
  std::vector<std::string> lines;
  out.gold = std::to_string(trace_expression(rng, *tree, lines));
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
