#pragma once
// From a cleaned answer to its tree: recursive descent over
//   list     := item ((`,` | `;` | or | and) item)*
//   item     := union (relation-sign union)*
//   union    := sum (\cup sum)*
//   sum      := [+-\pm] product ([+-\pm] product)*       then, at the item's end, units
//   product  := power (`*` | `/` | nothing) power ...
//   power    := base (`^` exponent | `!` | `%` | `^\circ`)*
// 1/2x is (1/2)x, as it is read from left to right; 7 3/4 and 7\frac34 are mixed numbers.
#include <string_view>

#include "reason/grade/tree.h"

namespace minke::grading {

struct ParseOptions {
  bool repairs = false;        // missing closing brackets, \frac without its backslash, ** for powers
  bool labels = false;         // free words behind a number (12 boxes), blanks as thousands
  bool grouping = true;        // 1,000 outside brackets is one number
  bool single_letter_units = false;  // `5 m` is a length
};

// Refused where the text means nothing in maths (words included) or is beyond a bound. plus-minus is expanded into lists.
Node parse(std::string_view cleaned, const ParseOptions& options);

}  // namespace minke::grading
