#include "reason/tasks/expression_tree.h"

#include <fmt/format.h>

#include <utility>

#include "reason/tasks/trace.h"

namespace minke {
namespace {

int64_t plain(char op, int64_t a, int64_t b) { return op == '+' ? a + b : op == '-' ? a - b : a * b; }

int strength(char op) { return op == 0 ? 3 : op == '*' ? 2 : 1; }

}  // namespace

std::unique_ptr<ExpressionNode> draw_expression(Rng& rng, int operations, std::string_view ops, int64_t largest) {
  auto node = std::make_unique<ExpressionNode>();
  if (operations == 0) {
    node->value = rng.range(1, largest);
    return node;
  }
  node->op = ops[rng.below(ops.size())];
  const int on_left = int(rng.range(0, operations - 1));
  node->left = draw_expression(rng, on_left, ops, largest);
  node->right = draw_expression(rng, operations - 1 - on_left, ops, largest);
  return node;
}

std::string written_expression(const ExpressionNode& node) {
  if (node.op == 0) return std::to_string(node.value);
  const char l = node.left->op, r = node.right->op;
  const bool left = strength(l) < strength(node.op);
  const bool right = strength(r) < strength(node.op) || (strength(r) == strength(node.op) && !(r == node.op && node.op != '-'));
  return fmt::format("{}{}{} {} {}{}{}", left ? "(" : "", written_expression(*node.left), left ? ")" : "", node.op, right ? "(" : "",
                     written_expression(*node.right), right ? ")" : "");
}

std::string canonical_expression(const ExpressionNode& node) {
  if (node.op == 0) return std::to_string(node.value);
  std::string a = canonical_expression(*node.left), b = canonical_expression(*node.right);
  if (node.op != '-' && b < a) std::swap(a, b);
  return fmt::format("({}{}{})", a, node.sign ? node.sign : node.op, b);
}

int64_t apply_modular(char op, int64_t a, int64_t b) {
  return ((plain(op, a, b) % kExpressionModulus) + kExpressionModulus) % kExpressionModulus;
}

int64_t trace_expression(Rng& rng, const ExpressionNode& node, std::vector<std::string>& lines) {
  if (node.op == 0) return node.value;
  const int64_t a = trace_expression(rng, *node.left, lines), b = trace_expression(rng, *node.right, lines);
  const int64_t raw = plain(node.op, a, b), value = apply_modular(node.op, a, b);
  lines.push_back(fmt::format("{} {} {} {}{}", a, node.op, b, noisy_equals(rng, raw), value == raw ? "" : fmt::format(" -> {}", value)));
  return value;
}

}  // namespace minke
