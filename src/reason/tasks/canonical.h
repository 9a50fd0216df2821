#pragma once
// One name for an expression of + - * /, whatever the order and the grouping of its commutative operands: a sum is a bag of terms
// with signs, a product a bag of factors and divisors. So 7 + 3 * 5, 5 * 3 + 7 and 7 - 2 + 4, 4 + 7 - 2 share theirs; values are
// not worked out. Keys of problems and votes on expressions are such names.
#include <cstdint>
#include <string>
#include <vector>

namespace minke {

struct Canonical {
  char kind = 0;                      // 0 a number, '+' a sum, '*' a product
  std::vector<std::string> up, down;  // terms or factors; those taken away or divided by
};

Canonical canonical_number(int64_t value);                                        // value >= 0
Canonical canonical_join(const Canonical& a, char op, const Canonical& b);        // op: + - * /
std::string canonical_text(const Canonical& expression);                          // "(3+7-2)", sorted

}  // namespace minke
