// Expressions modulo 97 in which two operations are written # and &, once each. Every operation is bracketed, for nobody knows which sign
// binds more strongly; and only problems are drawn whose answer no other meaning of the two signs gives.
//   signs-b7   the question says what they mean, and they mean something else each time
//   puzzle     it does not say. They stand for multiply and subtract, the one pair of meanings that signs-b7 leaves out: to be found
//              out from right and wrong alone
#include <fmt/format.h>

#include "reason/tasks/expression_tree.h"
#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

struct Meaning {
  char hash, ampersand;
  char of(char sign) const { return sign == '#' ? hash : sign == '&' ? ampersand : sign; }
};
constexpr Meaning kPuzzle = {'*', '-'};

// The inner nodes, in some fixed order.
void collect(ExpressionNode& node, std::vector<ExpressionNode*>& out) {
  if (node.op == 0) return;
  out.push_back(&node);
  collect(*node.left, out);
  collect(*node.right, out);
}

std::unique_ptr<ExpressionNode> draw_with_signs(Rng& rng, int operations) {
  auto tree = draw_expression(rng, operations, "+-*", 9);
  std::vector<ExpressionNode*> nodes;
  collect(*tree, nodes);
  const size_t hash = rng.below(nodes.size()), ampersand = (hash + 1 + rng.below(nodes.size() - 1)) % nodes.size();
  nodes[hash]->op = '#';
  nodes[ampersand]->op = '&';
  return tree;
}

int64_t evaluate(const ExpressionNode& node, Meaning meaning) {
  if (node.op == 0) return node.value;
  return apply_modular(meaning.of(node.op), evaluate(*node.left, meaning), evaluate(*node.right, meaning));
}

bool ambiguous(const ExpressionNode& tree, Meaning meaning) {
  const int64_t right = evaluate(tree, meaning);
  for (const char hash : {'+', '-', '*'})
    for (const char ampersand : {'+', '-', '*'})
      if ((hash != meaning.hash || ampersand != meaning.ampersand) && evaluate(tree, {hash, ampersand}) == right) return true;
  return false;
}

std::string written(const ExpressionNode& node, bool outermost) {
  if (node.op == 0) return std::to_string(node.value);
  const std::string inner = fmt::format("{} {} {}", written(*node.left, false), node.op, written(*node.right, false));
  return outermost ? inner : fmt::format("({})", inner);
}

// The operands of what commutes in string order.
std::string canonical(const ExpressionNode& node, Meaning meaning) {
  if (node.op == 0) return std::to_string(node.value);
  std::string a = canonical(*node.left, meaning), b = canonical(*node.right, meaning);
  if (meaning.of(node.op) != '-' && b < a) std::swap(a, b);
  return fmt::format("({}{}{})", a, node.op, b);
}

int64_t trace(Rng& rng, const ExpressionNode& node, Meaning meaning, std::vector<std::string>& lines) {
  if (node.op == 0) return node.value;
  const int64_t a = trace(rng, *node.left, meaning, lines), b = trace(rng, *node.right, meaning, lines);
  const char op = meaning.of(node.op);
  const int64_t raw = op == '+' ? a + b : op == '-' ? a - b : a * b, value = apply_modular(op, a, b);
  lines.push_back(fmt::format("{} {} {} {}{}", a, op, b, noisy_equals(rng, raw), value == raw ? "" : fmt::format(" -> {}", value)));
  return value;
}

void set_problem(Rng& rng, const ExpressionNode& tree, Meaning meaning, Problem& out) {
  std::vector<std::string> lines;
  out.gold = std::to_string(trace(rng, tree, meaning, lines));
  set_chain(rng, std::move(lines), out);
}

}  // namespace

bool draw_signs(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_with_signs(rng, level);
  const Meaning meaning = {"+-*"[rng.below(3)], "+-*"[rng.below(3)]};
  if ((meaning.hash == kPuzzle.hash && meaning.ampersand == kPuzzle.ampersand) || ambiguous(*tree, meaning)) return false;
  out.canonical_key = fmt::format("signs:{}{}{}", meaning.hash, meaning.ampersand, canonical(*tree, meaning));
  if (!keep(out.canonical_key)) return false;
  const std::string question = fmt::format("Compute ({}) mod {}", written(*tree, true), kExpressionModulus);
  out.prompt = fmt::format("{} with # for {} and & for {}.", question, meaning.hash, meaning.ampersand);
  out.bare = question + ".";
  set_problem(rng, *tree, meaning, out);
  return true;
}

bool draw_puzzle(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_with_signs(rng, level);
  if (ambiguous(*tree, kPuzzle)) return false;
  out.canonical_key = fmt::format("unknown-signs:{}", canonical(*tree, kPuzzle));
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("Compute ({}) mod {}.", written(*tree, true), kExpressionModulus);
  set_problem(rng, *tree, kPuzzle, out);
  return true;
}

}  // namespace minke
