#pragma once
// What a thought does, counted in its text: the habits that reinforcement strengthens or wears away (DeepSeek-R1, section 2.2.4: "wait",
// checking, going back). Words and marks of the families' trace language (reason/tasks/trace.h, countdown.cpp), no understanding.
#include <cstdint>
#include <string_view>

namespace minke {

struct Behaviour {
  int64_t attempts = 0;         // lines that end in a value and a verdict on it, `20 x` or `36 !`: a candidate tried
  int64_t retries_after_x = 0;  // of these, the ones that follow one with `x`: failed, and tried on
  int64_t wait_count = 0;       // the word "wait", in any case
  int64_t self_check = 0;       // a value put right at once, `= 35 no 36`, and the words that begin with "check", "recheck" or "verif"
  Behaviour& operator+=(const Behaviour& b) {
    attempts += b.attempts, retries_after_x += b.retries_after_x, wait_count += b.wait_count, self_check += b.self_check;
    return *this;
  }
  bool operator==(const Behaviour&) const = default;
};

// Of a completion's text: what stands before </think>, or all of it where the thought was never closed.
Behaviour behaviour_of(std::string_view completion);

}  // namespace minke
