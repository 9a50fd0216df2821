#include "infer/thought.h"

#include <algorithm>

namespace minke {

int32_t ThoughtLimiter::force(std::span<const int32_t> ids, size_t prompt_size) {
  const int64_t generated = int64_t(ids.size() - prompt_size);
  if (!closed_ && generated > 0 && ids.back() == limits_.end_of_thinking) {
    closed_ = true;
    closed_at_ = generated;
  }
  if (!closed_ && generated >= limits_.think_cap) {
    cut_ = closed_ = true;
    closed_at_ = generated + 1;
    return limits_.end_of_thinking;
  }
  if (closed_ && generated - closed_at_ >= limits_.answer_cap) {
    ended_ = true;
    return limits_.eos;
  }
  return kNoForce;
}

ThoughtTokens count_thought(std::span<const int32_t> completion, bool thinking, int32_t end_of_thinking, bool stopped) {
  const int64_t n = int64_t(completion.size()) - stopped;
  if (!thinking) return {0, n};
  const int64_t before = std::find(completion.begin(), completion.end(), end_of_thinking) - completion.begin();
  return {std::min(before, n), std::max<int64_t>(n - before - 1, 0)};
}

}  // namespace minke
