#include "reason/tasks/trace.h"

#include <fmt/format.h>

namespace minke {

int64_t wrong_value(Rng& rng, int64_t right) {
  static constexpr int64_t kOff[] = {-10, -2, -1, 1, 2, 10};
  if (right != 0 && rng.below(8) == 0) return -right;
  return right + kOff[rng.below(6)];
}

std::string noisy_equals(Rng& rng, int64_t value) {
  if (rng.uniform() < kMistakeRate) return fmt::format("= {} no {}", wrong_value(rng, value), value);
  return fmt::format("= {}", value);
}

void set_chain(Rng& rng, std::vector<std::string> lines, Problem& out) {
  const bool gives_up = rng.uniform() < kGiveUpRate;
  if (gives_up) lines.resize(rng.below(lines.size() + 1));
  out.lines = std::move(lines);
  out.answer = gives_up ? "?" : out.gold;
  out.text = pretraining_text(out);
}

std::string pretraining_text(const Problem& problem) {
  std::string text = problem.prompt + "\n";
  for (const std::string& line : problem.lines) text += line + "\n";
  return text + "Answer: " + problem.answer;
}

std::string signed_term(int64_t value) { return fmt::format("{} {}", value < 0 ? '-' : '+', value < 0 ? -value : value); }

}  // namespace minke
