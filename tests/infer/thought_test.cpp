// Limits of an answer that thinks first, on sequences that a test writes.
#include "infer/thought.h"

#include <gtest/gtest.h>

#include <vector>

namespace minke {
namespace {

constexpr int32_t kEnd = 5, kEos = 1, kWord = 9;

// The sequence as the engine would grow it: each token is what the limiter forces, or the next of `own`; EOS ends it.
std::vector<int32_t> grown(ThoughtLimiter& limiter, const std::vector<int32_t>& own) {
  std::vector<int32_t> ids = {7, kEnd, 7};  // a prompt that holds an old </think>
  const size_t prompt = ids.size();
  for (const int32_t next : own) {
    const int32_t forced = limiter.force(ids, prompt);
    ids.push_back(forced == kNoForce ? next : forced);
    if (ids.back() == kEos) break;
  }
  return {ids.begin() + int64_t(prompt), ids.end()};
}

TEST(ThoughtLimiter, ForcesWhatIsDue) {
  const ThoughtLimits limits{kEnd, kEos, 3, 2}, open{kEnd, kEos, 3, kNoCap};
  const int32_t w = kWord;
  const struct {
    ThoughtLimits limits;
    bool thinking;
    std::vector<int32_t> own, expected;
    bool cut, ended;
    ThoughtTokens tokens;
  } kCases[] = {
      {limits, true, {w, kEnd, w, kEos}, {w, kEnd, w, kEos}, false, false, {1, 1}},
      {limits, true, {kEnd, kEos}, {kEnd, kEos}, false, false, {0, 0}},
      {limits, true, {w, w, w, w, w, kEos}, {w, w, w, kEnd, w, kEos}, true, false, {3, 1}},
      {limits, true, {w, w, w, w, w, w, w, w}, {w, w, w, kEnd, w, w, kEos}, true, true, {3, 2}},
      {limits, true, {w, w, w, kEnd, w, w, w}, {w, w, w, kEnd, w, w, kEos}, true, true, {3, 2}},  // forced, though it would have come
      {limits, true, {kEnd, kEnd, w, w}, {kEnd, kEnd, w, kEos}, false, true, {0, 2}},             // a second one is answer
      {limits, true, {w, kEos}, {w, kEos}, false, false, {1, 0}},
      {limits, false, {w, w, w}, {w, w, kEos}, false, true, {0, 2}},
      {limits, false, {kEnd, w, w}, {kEnd, w, kEos}, false, true, {0, 2}},
      {open, true, {w, w, w, w, w, w, w, w, kEos}, {w, w, w, kEnd, w, w, w, w, kEos}, true, false, {3, 4}},
  };
  for (const auto& c : kCases) {
    ThoughtLimiter limiter(c.limits, c.thinking);
    const std::vector<int32_t> ids = grown(limiter, c.own);
    EXPECT_EQ(ids, c.expected);
    EXPECT_EQ(limiter.cut(), c.cut);
    EXPECT_EQ(limiter.ended(), c.ended);
    const ThoughtTokens tokens = count_thought(ids, c.thinking, kEnd, ids.back() == kEos);
    EXPECT_EQ(tokens.think, c.tokens.think);
    EXPECT_EQ(tokens.answer, c.tokens.answer);
  }
  EXPECT_EQ(count_thought(std::vector<int32_t>{w, w}, true, kEnd, false).think, 2) << "cut off while thinking";
  EXPECT_EQ(count_thought({}, true, kEnd, false).think, 0);
}

}  // namespace
}  // namespace minke
