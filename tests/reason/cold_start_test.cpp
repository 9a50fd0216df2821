#include "reason/cold_start.h"

#include <gtest/gtest.h>

#include "reason/judge.h"

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

}  // namespace
}  // namespace minke
