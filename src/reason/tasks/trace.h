#pragma once
// What the traces of all families share: noise and the closing line. A base model that has seen only clean solutions has nothing
// for reinforcement to choose from, so some steps go wrong and are put right, and some traces give up.
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"

namespace minke {

inline constexpr double kMistakeRate = 0.05;  // of steps: a wrong value, noticed at once: `3 * 12 = 35 no 36`
inline constexpr double kGiveUpRate = 0.05;   // of traces of a chain: stops early with `?`

// A plausible wrong value for `right`: off by one, by ten, or of wrong sign. Never `right`.
int64_t wrong_value(Rng& rng, int64_t right);

// "= value", with a mistake before it at kMistakeRate.
std::string noisy_equals(Rng& rng, int64_t value);

// Joins the prompt, the trace's lines and the answer; at kGiveUpRate keeps only some lines and answers `?`.
std::string chain_text(Rng& rng, const std::string& prompt, const std::vector<std::string>& lines, const std::string& answer);

std::string signed_term(int64_t value);  // "+ 3", "- 3"

}  // namespace minke
