#pragma once
// Expression trees over small numbers, modulo 97: what expressions-b3 and the puzzle share. Every value on the way is reduced to 0..96,
// so numbers stay short while the chain grows.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace minke {

inline constexpr int64_t kExpressionModulus = 97;

struct ExpressionNode {
  char op = 0;        // + - *; 0: a leaf
  char sign = 0;      // how it is written where not as itself (signs.cpp)
  int64_t value = 0;  // of a leaf
  std::unique_ptr<ExpressionNode> left, right;
};

// `operations` inner nodes, their operations drawn from `ops`, over leaves of 1 to `largest`.
std::unique_ptr<ExpressionNode> draw_expression(Rng& rng, int operations, std::string_view ops, int64_t largest);

// With the brackets that precedence needs.
std::string written_expression(const ExpressionNode& node);

// Fully bracketed, the operands of + and * in string order, operations by their signs.
std::string canonical_expression(const ExpressionNode& node);

// a op b, 0..96.
int64_t apply_modular(char op, int64_t a, int64_t b);

// The value; a line an operation in the order of evaluation, `8 * 61 = 488 -> 3`, some with a mistake put right (trace.h).
int64_t trace_expression(Rng& rng, const ExpressionNode& node, std::vector<std::string>& lines);

}  // namespace minke
