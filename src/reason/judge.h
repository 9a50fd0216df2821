#pragma once
// What a completion is worth as an answer to a problem: for rewards, evaluation and votes alike.
#include <cstdint>
#include <string>
#include <string_view>

#include "reason/grade/maths.h"
#include "reason/tasks/task.h"

namespace minke {

enum class Outcome : uint8_t {
  kRight,
  kAbstained,   // the answer is `?`
  kWrong,
  kNoAnswer,    // nothing to grade: no `</think>` or several, no box
  kUngradable,  // the gold does not parse: the sample must not be scored, whatever it says
};
const char* outcome_name(Outcome outcome);  // "right", "abstained", "wrong", "no answer", "ungradable"

struct Judgement {
  Outcome outcome;
  std::string answer;  // as extracted, "" where there is none
  std::string vote;    // equal answers have equal names; "": nothing to vote for (none, `?`, malformed)
  std::string why;     // in words
  bool well_formed;    // the format reward's rule (grade/extract.h)
};

// `completion` is the text after the prompt with special tokens written out and EOS dropped; without thinking the prompt's
// `</think>` put before it. Countdown is judged by its own checker, golds that are words (Problem::gold_is_text) as text: NFC, trimmed,
// lower case, one \text{} around it taken off; everything else by the maths grader in `mode`.
Judgement judge(const Problem& problem, std::string_view completion, GradeMode mode);

// Can an answer be checked without knowing a right one? Countdown's can.
bool checks_itself(const Problem& problem);

// Is this gold compared as text? True where it is words (letters of any script, blanks and - ' . , alone, with two letters side by
// side; the name pi is not) and where the maths grader cannot read it. "5 cm", "x = 3" and "B" are maths.
bool gold_is_words(std::string_view gold);

}  // namespace minke
