#pragma once
// From a completion to the answer in it. DeepSeek-R1: only what follows the reasoning is graded, and the format reward asks for the
// tags alone.
#include <string>
#include <string_view>

namespace minke {

struct Extracted {
  bool well_formed = false;  // the format reward's rule, see below
  std::string answer;        // "" where there is none
  std::string why;           // in words: what was taken, or what is missing
};

// Scope: exactly one `</think>`, else nothing; only the text after it counts. (A completion without thinking gets the tag of its
// prompt put before it by the caller.) There: the last `\boxed{...}` or `\fbox{...}` with balanced braces, else the last
// `<answer>...</answer>`, else nothing; never a bare number.
//
// Well formed: an optional `<think>` at the very beginning, reasoning without a think tag, one `</think>`, then exactly one answer
// region: one `<answer>...</answer>`, or no answer tags and at least one box. That the text ended by itself (EOS within the cap)
// only the caller knows.
Extracted extract_answer(std::string_view completion);

// `?`, with blanks, `$` or a `\text{}` around it: the model says that it does not know.
bool is_abstention(std::string_view answer);

}  // namespace minke
