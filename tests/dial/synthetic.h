#pragma once
// Recorded samples of an imaginary model on problems whose difficulty is known: thinking helps, most where problems are hard; confidence tells
// something of being right; wrong answers are sometimes the same.
#include <cmath>

#include "base/rng.h"
#include "dial/record.h"

namespace minke {

inline RecordedProblem synthetic_problem(uint64_t seed, uint64_t index, int level, const EffortProfile& profile) {
  Rng rng(seed, 0x73796e7468000000 + index);
  RecordedProblem p;
  p.id = "synthetic/" + std::to_string(seed) + "/" + std::to_string(index);
  p.family = "synthetic";
  p.level = level;
  const double hard = level + 0.7 * double(rng.normal());
  const std::vector<std::string> arms = dial_arms(profile);
  for (size_t a = 0; a < arms.size(); ++a) {
    RecordedArm arm{arms[a], plan_effort(parse_effort(arms[a]), profile).cap, 30, {}};
    const double right = 1 / (1 + std::exp(1.6 * hard - 1.0 - 1.3 * double(a)));
    for (int s = 0; s < 8; ++s) {
      RecordedSample x;
      x.right = rng.uniform() < right;
      const double wrong = rng.uniform();
      x.vote = x.right ? "right" : wrong < 0.3 ? "tempting" : wrong < 0.9 ? "w" + std::to_string(rng.below(20)) : "";
      x.confidence = 1 / (1 + std::exp(-(1.5 * std::log(right / (1 - right)) / 2 + (x.right ? 0.8 : -0.4) + double(rng.normal()))));
      x.thinking = a == 0 ? 0 : std::min(arm.cap, int64_t(double(arm.cap) / 8 * (1 + hard * rng.uniform())) + 1);
      x.thinking = std::max<int64_t>(x.thinking, a > 0);
      x.tokens = x.thinking + 8;
      arm.samples.push_back(x);
    }
    p.arms.push_back(arm);
  }
  return p;
}

// Levels from 1 to `levels` in turn; levels = 0: level 2 alone.
inline std::vector<RecordedProblem> synthetic_problems(uint64_t seed, size_t n, int levels, const EffortProfile& profile) {
  std::vector<RecordedProblem> out;
  for (size_t i = 0; i < n; ++i) out.push_back(synthetic_problem(seed, i, levels ? 1 + int(i) % levels : 2, profile));
  return out;
}

}  // namespace minke
