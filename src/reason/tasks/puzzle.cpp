// The tour's puzzle: expressions with two signs that no training data explains, # and &. What they stand for, multiply and subtract, is to
// be found out from right and wrong alone. Every operation is bracketed, for nobody knows which sign binds more strongly; and only
// problems are drawn whose answer no other meaning of the two signs gives.
#include <fmt/format.h>

#include "reason/tasks/expression_tree.h"
#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

struct Meaning {
  char hash, ampersand;
  char of(char sign) const { return sign == '#' ? hash : ampersand; }
};
constexpr Meaning kRule = {'*', '-'};

int64_t evaluate(const ExpressionNode& node, Meaning meaning) {
  if (node.op == 0) return node.value;
  return apply_modular(meaning.of(node.op), evaluate(*node.left, meaning), evaluate(*node.right, meaning));
}

std::string written(const ExpressionNode& node, bool outermost) {
  if (node.op == 0) return std::to_string(node.value);
  const std::string inner = fmt::format("{} {} {}", written(*node.left, false), node.op, written(*node.right, false));
  return outermost ? inner : fmt::format("({})", inner);
}

// The operands of #, which commutes, in string order.
std::string canonical(const ExpressionNode& node) {
  if (node.op == 0) return std::to_string(node.value);
  std::string a = canonical(*node.left), b = canonical(*node.right);
  if (node.op == '#' && b < a) std::swap(a, b);
  return fmt::format("({}{}{})", a, node.op, b);
}

int64_t trace(Rng& rng, const ExpressionNode& node, std::vector<std::string>& lines) {
  if (node.op == 0) return node.value;
  const int64_t a = trace(rng, *node.left, lines), b = trace(rng, *node.right, lines), value = apply_modular(kRule.of(node.op), a, b);
  lines.push_back(fmt::format("{} {} {} {}", a, node.op, b, noisy_equals(rng, value)));
  return value;
}

bool ambiguous(const ExpressionNode& tree) {
  const int64_t right = evaluate(tree, kRule);
  for (const char hash : {'+', '-', '*'})
    for (const char ampersand : {'+', '-', '*'})
      if ((hash != kRule.hash || ampersand != kRule.ampersand) && evaluate(tree, {hash, ampersand}) == right) return true;
  return false;
}

bool holds(const ExpressionNode& node, char sign) { return node.op && (node.op == sign || holds(*node.left, sign) || holds(*node.right, sign)); }

}  // namespace

bool draw_puzzle(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_expression(rng, level, "#&", 15);
  if (!holds(*tree, '#') || !holds(*tree, '&') || ambiguous(*tree)) return false;
  out.canonical_key = fmt::format("signs:{}", canonical(*tree));
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("Compute ({}) mod {}.", written(*tree, true), kExpressionModulus);
  std::vector<std::string> lines;
  out.gold = std::to_string(trace(rng, *tree, lines));
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
