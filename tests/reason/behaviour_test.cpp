#include "reason/behaviour.h"

#include <gtest/gtest.h>

#include "reason/cold_start.h"
#include "reason/tasks/task.h"

namespace minke {
namespace {

TEST(Behaviour, CountsMarksAndWordsOfTheThoughtAlone) {
  const struct {
    const char* text;
    Behaviour counts;  // attempts, retries, wait, self-check
  } kCases[] = {
      {"", {}},
      {"</think>\\boxed{4}", {}},
      {"7 - 3 = 4 ; 5 * 4 = 20 x\n5 * 3 = 15 ; 15 + 7 = 22 !\n</think>\\boxed{5 * 3 + 7}", {2, 1, 0, 0}},
      {"1 + 2 = 3 x\n1 * 2 = 2 x\n2 - 1 = 1 x\n</think>\\boxed{?}", {3, 2, 0, 0}},
      {"1 + 2 = 3 !\n1 * 2 = 2 x\n</think>", {2, 0, 0, 0}},                   // went on after a success: no retry
      {"1 + 2 = 3 x\n1 * 2 = 2", {1, 0, 0, 0}},                              // cut off inside the second attempt
      {"3 * 12 = 35 no 36\n-3 - 1 = -5 no -4 -> 93\n1/2 + 1/2 = 2 no 1\n</think>", {0, 0, 0, 3}},
      {"no 5\n5 no\nno way 5 no x\n</think>", {0, 0, 0, 0}},                  // "no" between numbers alone puts something right
      {"Wait, let me check.\nwait: waiting is no wait!\nVerify (verified) and recheck: uncheck\n</think>", {0, 0, 3, 4}},
      {"y=3*4 = 12\nx=5\n2 = x\n</think>", {}},                                     // a register program: x is a name
      {"1 + 1 = 2 x\n</think>3 x\nwait check\n", {1, 0, 0, 0}},                       // after the thought nothing counts
      {"x\n!\n", {}},                                                        // a verdict on nothing
  };
  for (const auto& c : kCases) {
    const Behaviour b = behaviour_of(c.text);
    EXPECT_TRUE(b == c.counts) << c.text << ": " << b.attempts << " " << b.retries_after_x << " " << b.wait_count << " " << b.self_check;
  }
}

// On the families' own traces, whose lines are known: every line of a search is an attempt, all but the first a retry.
TEST(Behaviour, AgreesWithTheGenerators) {
  int64_t put_right = 0, lines = 0;
  for (const char* name : {"countdown-a3", "expressions-b3", "equations-b4", "registers-b5"})
    for (uint64_t i = 0; i < 200; ++i) {
      const Problem p = draw_problem(find_family(name), 0, Split::kTrain, 7, i);
      std::string text;
      for (const std::string& line : p.lines) text += line + "\n";
      const Behaviour b = behaviour_of(text + "</think>\\boxed{" + p.answer + "}");
      const int64_t tried = name == std::string("countdown-a3") ? int64_t(p.lines.size()) : 0;
      ASSERT_EQ(b.attempts, tried) << text;
      ASSERT_EQ(b.retries_after_x, std::max<int64_t>(tried - 1, 0)) << text;
      ASSERT_EQ(b.wait_count, 0) << text;
      put_right += b.self_check, lines += int64_t(p.lines.size());
    }
  EXPECT_GT(put_right, lines / 40) << "a step in twenty goes wrong";
  EXPECT_LT(put_right, lines / 5);
}

}  // namespace
}  // namespace minke
