#include "reason/cold_start.h"

#include <fmt/format.h>

namespace minke {

ColdStart cold_start(const Problem& problem, Rng& rng) {
  if (rng.uniform() < kNoThinkShare) return {problem.prompt, "", problem.gold, false};
  size_t shown = problem.lines.size();
  const bool capped = rng.uniform() < kCapShare;
  if (capped) shown = rng.below(shown + 1);
  ColdStart example{problem.prompt, "", shown < problem.lines.size() ? "?" : problem.answer, true};
  for (size_t i = 0; i < shown; ++i) example.thinking += problem.lines[i] + "\n";
  return example;
}

std::string cold_start_completion(const ColdStart& example) {
  const std::string box = fmt::format("\\boxed{{{}}}", example.answer);
  return example.think ? fmt::format("<think>\n{}</think>{}", example.thinking, box) : box;
}

}  // namespace minke
