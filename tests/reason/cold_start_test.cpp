#include "reason/cold_start.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "reason/judge.h"
#include "reason/mix.h"
#include "reason/pace.h"

namespace minke {
namespace {

TEST(ColdStart, NeverWrongAndInForm) {
  for (const Family& family : families()) {
    Rng rng(1, 2);
    for (uint64_t i = 0; i < 1000; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTrain, 8, i);
      const ColdStart e = cold_start(p, rng);
      EXPECT_EQ(e.prompt, p.prompt);
      const std::string completion = cold_start_completion(e);
      const Judgement j = judge(p, e.think ? completion : "</think>" + completion, GradeMode::kStrict);
      EXPECT_EQ(j.outcome, e.answer == "?" ? Outcome::kAbstained : Outcome::kRight) << completion;
      EXPECT_TRUE(j.well_formed);
      if (!e.think) {
        EXPECT_EQ(e.answer, p.gold);
        EXPECT_TRUE(e.thinking.empty());
        continue;
      }
      // Cut between lines, and an answer only under the whole trace.
      std::string whole;
      for (const std::string& line : p.lines) whole += line + "\n";
      EXPECT_TRUE(whole.starts_with(e.thinking));
      EXPECT_TRUE(e.thinking.empty() || e.thinking.back() == '\n');
      EXPECT_EQ(e.answer, e.thinking == whole ? p.answer : "?");
    }
  }
}

TEST(ColdStart, SharesHold) {
  Rng rng(5);
  int off = 0, cut = 0, thinking = 0;
  for (uint64_t i = 0; i < 8000; ++i) {
    const Problem p = draw_problem(find_family("expressions-b3"), 4, Split::kTrain, 8, i);
    const ColdStart e = cold_start(p, rng);
    off += !e.think;
    thinking += e.think;
    cut += e.think && p.answer != "?" && e.answer == "?";
  }
  EXPECT_NEAR(off / 8000.0, kNoThinkShare, 0.015);
  EXPECT_NEAR(double(cut) / thinking, kCapShare * 4 / 5 * 0.95, 0.015) << "a cap of 0 to 4 lines cuts in 4 of 5";
}

TEST(ColdStart, PacedThoughtsKeepWithinTheirBudget) {
  constexpr int64_t kFull = 256;
  int told = 0, thoughts = 0, cut = 0;
  for (const char* name : {"countdown-a3", "expressions-b3", "digits-b1", "words"}) {
    Rng rng(3);
    for (uint64_t i = 0; i < 2000; ++i) {
      const Problem p = draw_problem(find_family(name), 0, Split::kTrain, 8, i);
      const ColdStart e = paced_start(p, kFull, rng);
      std::string whole;
      for (const std::string& line : p.lines) whole += line + "\n";
      ASSERT_TRUE(whole.starts_with(e.thinking));
      EXPECT_EQ(e.answer, e.think && e.thinking == whole ? p.answer : p.gold);
      if (!e.think) {
        EXPECT_TRUE(e.system.empty() || e.system == "effort: off") << e.system;
        EXPECT_TRUE(e.thinking.empty());
        continue;
      }
      ++thoughts;
      cut += e.thinking != whole;
      EXPECT_LE(count_pieces(e.thinking), kFull);
      if (e.system.empty()) continue;
      ++told;
      const auto pace = std::find_if(paces().begin(), paces().end(), [&](const Pace& x) { return e.system == pace_tag(x.name); });
      ASSERT_NE(pace, paces().end()) << e.system;
      EXPECT_LE(double(count_pieces(e.thinking)), kFull * pace->share);
    }
  }
  EXPECT_NEAR(double(told) / thoughts, kTagShare, 0.03);
  EXPECT_GT(cut, thoughts / 4);
  EXPECT_LT(cut, thoughts * 3 / 4);
}

}  // namespace
}  // namespace minke
