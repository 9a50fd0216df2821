#pragma once
// What the traces of all families share: noise and the closing line. A base model that has seen only clean solutions has nothing
// for reinforcement to choose from, so some steps go wrong and are put right, and some traces give up.
#include <cstdint>
#include <string>
#include <vector>

#include "reason/tasks/task.h"

namespace minke {

inline constexpr double kMistakeRate = 0.05;  // of steps: a wrong value, noticed at once: `3 * 12 = 35 no 36`
inline constexpr double kGiveUpRate = 0.05;   // of traces of a chain: stops early with `?`

// A plausible wrong value for `right`: off by one, by ten, or of wrong sign. Never `right`.
int64_t wrong_value(Rng& rng, int64_t right);

// "= value", with a mistake before it at kMistakeRate.
std::string noisy_equals(Rng& rng, int64_t value);

// Gives `out`, whose prompt and gold are set, its trace, answer and text; at kGiveUpRate only some lines and the answer `?`.
void set_chain(Rng& rng, std::vector<std::string> lines, Problem& out);

// The pretraining form: prompt, lines, `Answer: ...`.
std::string pretraining_text(const Problem& problem);

std::string signed_term(int64_t value);  // "+ 3", "- 3"

}  // namespace minke
