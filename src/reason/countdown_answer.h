#pragma once
// What a Countdown answer is worth: read by a parser of our own, exact, without search.
#include <string>
#include <string_view>

#include "reason/tasks/task.h"

namespace minke {

struct CountdownVerdict {
  bool right = false;
  std::string vote;  // the expression with commutative operands in order (tasks/canonical.h); "" where it is malformed
  std::string why;
};

// Numbers without sign, + - * / and their signs of print (U+00D7, U+00F7), parentheses, blanks; nothing else, so no powers and no
// unary minus. Right: each number of the problem is used exactly once and the exact rational value is the target. At most 128 bytes.
CountdownVerdict check_countdown(const Problem& problem, std::string_view answer);

}  // namespace minke
