#include "reason/judge.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "reason/checkers.h"
#include "reason/countdown_answer.h"

namespace minke {
namespace {

std::string boxed(const std::string& answer) { return "some thought</think>\\boxed{" + answer + "}"; }

Problem countdown(const std::string& key) {
  Problem p;
  p.family = "countdown-a3";
  p.canonical_key = key;
  return p;
}

Problem asked(const std::string& gold, bool text = false) {
  Problem p;
  p.family = "mine";
  p.canonical_key = "prompt:q";
  p.gold = gold;
  p.gold_is_text = text;
  return p;
}

Outcome outcome(const Problem& p, const std::string& answer, GradeMode mode = GradeMode::kStrict) { return judge(p, boxed(answer), mode).outcome; }

TEST(Judge, Countdown) {
  const Problem p = countdown("countdown:3,3,8,8:24");
  for (const char* right : {"8 / (3 - 8 / 3)", "8÷(3-8÷3)", "((8))/(3-(8/3))"}) EXPECT_EQ(outcome(p, right), Outcome::kRight) << right;
  for (const char* wrong : {"8 * 3", "8 * 3 + 8 - 3", "8 / (3 - 8 / 3) + 0", "24", "8 / (3 - 8 / 3) = 24", "8 / (3 - 3) + 8", "-8 / (8 / 3 - 3)",
                            "8 / (3 - 8 / 3", "8 // 3", "8 ** 3", "3 8 8 3", "(", "8 / (3 - 8 / 3))", "8 × × 3", "88 - 3 - 3", "2^3 * 3", "8.0 * 3",
                            "99999999999999999999 + 1"})
    EXPECT_EQ(outcome(p, wrong), Outcome::kWrong) << wrong;
  EXPECT_EQ(outcome(p, "?"), Outcome::kAbstained);
  EXPECT_EQ(outcome(p, " "), Outcome::kNoAnswer);
  EXPECT_EQ(outcome(p, std::string(500, '(') + "1"), Outcome::kWrong);
  EXPECT_EQ(outcome(countdown("countdown:2,6:12"), "6 × 2"), Outcome::kRight);
  EXPECT_EQ(outcome(countdown("countdown:2,6:12"), "6 - -2"), Outcome::kWrong);
  EXPECT_EQ(outcome(countdown("countdown:2,6:3"), "2 / 6"), Outcome::kWrong);
  EXPECT_THROW(outcome(countdown("countdown:2;6"), "6"), Error);
}

// Against the generator's golds and the checker that reads the wording.
TEST(Judge, CountdownAgreesWithAnotherChecker) {
  for (const char* name : {"countdown-a1", "countdown-a2", "countdown-a3", "countdown-a4", "countdown-a5"}) {
    Problem before = draw_problem(find_family(name), 0, Split::kTrain, 5, 999);
    for (uint64_t i = 0; i < 300; ++i) {
      const Problem p = draw_problem(find_family(name), 0, Split::kTrain, 5, i);
      EXPECT_EQ(outcome(p, p.gold), Outcome::kRight) << p.prompt << " " << p.gold;
      for (const std::string& answer : {before.gold, p.gold + " + 1", "(" + p.gold + ") * 2"})
        EXPECT_EQ(outcome(p, answer) == Outcome::kRight, check::countdown(p.prompt, answer)) << p.prompt << " " << answer;
      before = p;
    }
  }
}

TEST(Judge, CountdownVotesForgetTheOrder) {
  const Problem p = countdown("countdown:2,3,4:14");
  const auto vote = [&](const char* answer) { return check_countdown(p, answer).vote; };
  EXPECT_EQ(vote("2 + 3 * 4"), vote("4×3 + 2"));
  EXPECT_EQ(vote("2 + 3 - 4"), vote("3 - 4 + 2"));
  EXPECT_EQ(vote("2 + (3 + 4)"), vote("(4 + 2) + 3"));
  EXPECT_EQ(vote("4 / (2 / 3)"), vote("4 * 3 / 2"));
  EXPECT_NE(vote("2 + 3 * 4"), vote("(2 + 3) * 4"));
  EXPECT_NE(vote("4 - 2"), vote("2 - 4"));
  EXPECT_EQ(vote("4 -"), "");
}

TEST(Judge, EveryFamilysGoldIsRightAndCountsAsAVote) {
  for (const Family& family : families())
    for (uint64_t i = 0; i < 200; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTest, 3, i);
      for (const GradeMode mode : {GradeMode::kStrict, GradeMode::kLenient}) {
        const Judgement j = judge(p, boxed(p.gold), mode);
        EXPECT_EQ(j.outcome, Outcome::kRight) << p.prompt << " " << p.gold << ": " << j.why;
        EXPECT_TRUE(j.well_formed);
        EXPECT_NE(j.vote, "");
      }
      EXPECT_EQ(outcome(p, "1" + p.gold), Outcome::kWrong) << p.prompt << " " << p.gold;
    }
}

TEST(Judge, Scope) {
  const Problem p = asked("7");
  EXPECT_EQ(judge(p, "\\boxed{7}", GradeMode::kStrict).outcome, Outcome::kNoAnswer) << "no </think>";
  EXPECT_EQ(judge(p, "\\boxed{7}</think>", GradeMode::kStrict).outcome, Outcome::kNoAnswer);
  EXPECT_EQ(judge(p, "a</think>b</think>\\boxed{7}", GradeMode::kStrict).outcome, Outcome::kNoAnswer);
  EXPECT_EQ(judge(p, "</think>7", GradeMode::kStrict).outcome, Outcome::kNoAnswer);
  EXPECT_EQ(judge(p, "</think>\\boxed{7}", GradeMode::kStrict).outcome, Outcome::kRight);
  EXPECT_FALSE(judge(p, "</think>7", GradeMode::kStrict).well_formed);
}

TEST(Judge, Words) {
  const Problem p = asked("Orléans", true);
  EXPECT_EQ(outcome(p, " ORLE\u0301ANS "), Outcome::kRight);
  EXPECT_EQ(outcome(p, "\\text{orléans}"), Outcome::kRight);
  EXPECT_EQ(outcome(p, "Orleans"), Outcome::kWrong);
  EXPECT_EQ(outcome(p, "?"), Outcome::kAbstained);
  EXPECT_EQ(outcome(asked("no", true), "on"), Outcome::kWrong);
  for (const char* words : {"no", "Paris", "New York", "Ångström", "rock-paper", "东京"}) EXPECT_TRUE(gold_is_words(words)) << words;
  for (const char* maths : {"7", "B", "x", "1/2", "\\frac{1}{2}", "x = 3", "5 cm", "pi", "(1, 2)", "2x + 1", "10%"}) EXPECT_FALSE(gold_is_words(maths)) << maths;
}

// A gold that nobody can read scores nothing: no reward, no punishment, no pay for `?`.
TEST(Judge, UnreadableGold) {
  const Problem p = asked("");
  for (const char* completion : {"</think>\\boxed{1}", "</think>\\boxed{?}", "</think>", "lost"})
    EXPECT_EQ(judge(p, completion, GradeMode::kStrict).outcome, Outcome::kUngradable) << completion;
}

}  // namespace
}  // namespace minke
