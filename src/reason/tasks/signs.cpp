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
  nodes[hash]->sign = '#';
  nodes[ampersand]->sign = '&';
  return tree;
}

void set_meaning(ExpressionNode& node, Meaning meaning) {
  if (node.op == 0) return;
  if (node.sign) node.op = node.sign == '#' ? meaning.hash : meaning.ampersand;
  set_meaning(*node.left, meaning);
  set_meaning(*node.right, meaning);
}

int64_t value_of(const ExpressionNode& node) {
  return node.op == 0 ? node.value : apply_modular(node.op, value_of(*node.left), value_of(*node.right));
}

// Gives the signs their meaning. False: another one gives the same answer.
bool settle(ExpressionNode& tree, Meaning meaning) {
  set_meaning(tree, meaning);
  const int64_t right = value_of(tree);
  int same = 0;
  for (const char hash : {'+', '-', '*'})
    for (const char ampersand : {'+', '-', '*'}) {
      set_meaning(tree, {hash, ampersand});
      same += value_of(tree) == right;
    }
  set_meaning(tree, meaning);
  return same == 1;
}

std::string written(const ExpressionNode& node, bool outermost) {
  if (node.op == 0) return std::to_string(node.value);
  const std::string inner = fmt::format("{} {} {}", written(*node.left, false), node.sign ? node.sign : node.op, written(*node.right, false));
  return outermost ? inner : fmt::format("({})", inner);
}

void set_problem(Rng& rng, const ExpressionNode& tree, Problem& out) {
  std::vector<std::string> lines;
  out.gold = std::to_string(trace_expression(rng, tree, lines));
  set_chain(rng, std::move(lines), out);
}

}  // namespace

bool draw_signs(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_with_signs(rng, level);
  const Meaning meaning = {"+-*"[rng.below(3)], "+-*"[rng.below(3)]};
  if ((meaning.hash == kPuzzle.hash && meaning.ampersand == kPuzzle.ampersand) || !settle(*tree, meaning)) return false;
  out.canonical_key = fmt::format("signs:{}{}{}", meaning.hash, meaning.ampersand, canonical_expression(*tree));
  if (!keep(out.canonical_key)) return false;
  const std::string question = fmt::format("Compute ({}) mod {}", written(*tree, true), kExpressionModulus);
  out.prompt = fmt::format("{} with # for {} and & for {}.", question, meaning.hash, meaning.ampersand);
  out.bare = question + ".";
  set_problem(rng, *tree, out);
  return true;
}

bool draw_puzzle(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_with_signs(rng, level);
  if (!settle(*tree, kPuzzle)) return false;
  out.canonical_key = fmt::format("unknown-signs:{}", canonical_expression(*tree));
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("Compute ({}) mod {}.", written(*tree, true), kExpressionModulus);
  set_problem(rng, *tree, out);
  return true;
}

}  // namespace minke
