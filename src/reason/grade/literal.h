#pragma once
// Numbers as written: what strict mode asks of an answer, and when a decimal is another number rounded.
#include <optional>

#include "reason/grade/maths.h"
#include "reason/grade/tree.h"

namespace minke::grading {

struct LiteralNumber {
  Rational value;
  bool whole = false;     // written as a whole number (or one with a zero fraction: 5.0)
  bool reduced = true;    // a fraction in lowest terms
  bool decimal = false;
  int decimals = 0;       // digits after the point
  int significant = 0;    // digits from the first that is not 0
};

// A number, -number, integer over integer, mixed number, number times a power of ten; nothing for what must be worked out.
std::optional<LiteralNumber> literal_of(const Node& n);

// Equal, or one is the other rounded as the mode allows (docs/grader.md, row 10). Symmetric.
bool literals_agree(const LiteralNumber& a, const LiteralNumber& b, GradeMode mode);

// Lenient: is the constant `n`, which has no exact decimal value, `decimal` rounded or within 1e-4 of it?
bool rounds_to(const Node& n, const LiteralNumber& decimal);

}  // namespace minke::grading
