#pragma once
// Are two written answers the same? Exact where that is possible, bounded in steps everywhere, and never by a clock: the same pair
// gives the same verdict on every machine and in every thread. docs/grader.md states the rules.
#include <optional>
#include <string>
#include <string_view>

namespace minke {

enum class GradeMode {
  kStrict,   // for rewards: no repair of broken markup, literals for rational golds, reduced fractions, no decimals for radicals
  kLenient,  // for evaluation: what a friendly teacher takes for the same answer
};

struct Verdict {
  std::optional<bool> equal;  // nothing: the gold does not parse, the sample must not be scored
  std::string why;            // the rule that decided, in words
};

// `gold` and `answer` as they stand in a box: LaTeX or plain text. Never throws on their content.
Verdict grade_answer(std::string_view gold, std::string_view answer, GradeMode mode);

// A name for the answer's value: answers with equal names are one candidate in a vote. "" where nothing can be voted on (empty,
// `?`, beyond the limits). Rationals are reduced and decimals are rationals, texts are lower case, sets are sorted.
std::string vote_key(std::string_view answer);

}  // namespace minke
