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

std::string chain_text(Rng& rng, const std::string& prompt, const std::vector<std::string>& lines, const std::string& answer) {
  const bool gives_up = rng.uniform() < kGiveUpRate;
  const size_t shown = gives_up ? rng.below(lines.size() + 1) : lines.size();
  std::string text = prompt + "\n";
  for (size_t i = 0; i < shown; ++i) text += lines[i] + "\n";
  return text + "Answer: " + (gives_up ? "?" : answer);
}

std::string signed_term(int64_t value) { return fmt::format("{} {}", value < 0 ? '-' : '+', value < 0 ? -value : value); }

}  // namespace minke
