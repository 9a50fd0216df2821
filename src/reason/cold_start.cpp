#include "reason/cold_start.h"

#include <fmt/format.h>

#include "reason/mix.h"
#include "reason/pace.h"

namespace minke {

ColdStart cold_start(const Problem& problem, Rng& rng) {
  if (rng.uniform() < kNoThinkShare) return {"", problem.prompt, "", problem.gold, false};
  size_t shown = problem.lines.size();
  const bool capped = rng.uniform() < kCapShare;
  if (capped) shown = rng.below(shown + 1);
  ColdStart example{"", problem.prompt, "", shown < problem.lines.size() ? "?" : problem.answer, true};
  for (size_t i = 0; i < shown; ++i) example.thinking += problem.lines[i] + "\n";
  return example;
}

bool keep_for_pacing(const Problem& problem, Rng& rng) { return problem.answer != "?" || rng.uniform() < kKeepGaveUp; }

ColdStart paced_start(const Problem& problem, int64_t full_budget, Rng& rng) {
  const std::string& question = problem.bare.empty() || rng.uniform() >= kBareShare ? problem.prompt : problem.bare;
  if (rng.uniform() < kNoThinkShare) return {rng.uniform() < 0.5 ? pace_tag("off") : "", question, "", problem.gold, false};
  const Pace& pace = paces()[rng.below(paces().size())];
  ColdStart example{rng.uniform() < kTagShare ? pace_tag(pace.name) : "", question, "", problem.answer, true};
  for (const std::string& line : problem.lines) {
    const std::string longer = example.thinking + line + "\n";
    if (count_pieces(longer) > pace_budget(pace, full_budget)) {
      example.answer = problem.gold;
      break;
    }
    example.thinking = longer;
  }
  return example;
}

std::string cold_start_completion(const ColdStart& example) {
  const std::string box = fmt::format("\\boxed{{{}}}", example.answer);
  return example.think ? fmt::format("<think>\n{}</think>{}", example.thinking, box) : box;
}

}  // namespace minke
