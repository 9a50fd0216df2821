// Expression trees with + - * over 1-9, modulo 97. Every value on the way is reduced to 0..96, so numbers stay short while the
// chain grows. The trace is one operation a line, in the order of evaluation: `8 * 61 = 488 -> 3`.
#include <fmt/format.h>

#include <memory>

#include "reason/tasks/families.h"
#include "reason/tasks/trace.h"

namespace minke {
namespace {

constexpr int64_t kModulus = 97;

struct Node {
  char op = 0;  // 0: a leaf
  int64_t value = 0;
  std::unique_ptr<Node> left, right;
};

std::unique_ptr<Node> draw_tree(Rng& rng, int operations) {
  auto node = std::make_unique<Node>();
  if (operations == 0) {
    node->value = rng.range(1, 9);
    return node;
  }
  node->op = "+-*"[rng.below(3)];
  const int on_left = int(rng.range(0, operations - 1));
  node->left = draw_tree(rng, on_left);
  node->right = draw_tree(rng, operations - 1 - on_left);
  return node;
}

int strength(char op) { return op == 0 ? 3 : op == '*' ? 2 : 1; }

std::string written(const Node& node) {
  if (node.op == 0) return std::to_string(node.value);
  const char l = node.left->op, r = node.right->op;
  const bool left = strength(l) < strength(node.op);
  const bool right = strength(r) < strength(node.op) || (strength(r) == strength(node.op) && !(r == node.op && node.op != '-'));
  return fmt::format("{}{}{} {} {}{}{}", left ? "(" : "", written(*node.left), left ? ")" : "", node.op, right ? "(" : "",
                     written(*node.right), right ? ")" : "");
}

// Fully bracketed, the operands of + and * in string order.
std::string canonical(const Node& node) {
  if (node.op == 0) return std::to_string(node.value);
  std::string a = canonical(*node.left), b = canonical(*node.right);
  if (node.op != '-' && b < a) std::swap(a, b);
  return fmt::format("({}{}{})", a, node.op, b);
}

// Does a + b + c or a * b * c stand in it? Such a chain is written the same however it is grouped, but the key names the grouping.
bool has_chain(const Node& node) {
  if (node.op == 0) return false;
  const bool here = node.op != '-' && (node.left->op == node.op || node.right->op == node.op);
  return here || has_chain(*node.left) || has_chain(*node.right);
}

int64_t evaluate(Rng& rng, const Node& node, std::vector<std::string>& lines) {
  if (node.op == 0) return node.value;
  const int64_t a = evaluate(rng, *node.left, lines), b = evaluate(rng, *node.right, lines);
  const int64_t raw = node.op == '+' ? a + b : node.op == '-' ? a - b : a * b;
  const int64_t value = ((raw % kModulus) + kModulus) % kModulus;
  lines.push_back(fmt::format("{} {} {} {}{}", a, node.op, b, noisy_equals(rng, raw), value == raw ? "" : fmt::format(" -> {}", value)));
  return value;
}

}  // namespace

bool draw_expressions(Rng& rng, int level, const KeyFilter& keep, Problem& out) {
  const auto tree = draw_tree(rng, level);
  out.canonical_key = fmt::format("expressions:{}", canonical(*tree));
  if (!keep(out.canonical_key)) return false;
  out.prompt = fmt::format("Compute ({}) mod {}.", written(*tree), kModulus);
  out.has_twins = has_chain(*tree);
  std::vector<std::string> lines;
  out.gold = std::to_string(evaluate(rng, *tree, lines));
  set_chain(rng, std::move(lines), out);
  return true;
}

}  // namespace minke
