// Rewards of completions as the engine would bring them, and the self-test that a run begins with.
#include "rl/reward.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/chat.h"
#include "reason/tasks/task.h"

namespace minke {
namespace {

class RewardTest : public testing::Test {
 protected:
  RewardTest() : tokenizer_(Tokenizer::load("tokenizer")) {
    options_.wrong_limit = 0;  // prices as they stand; the limit has its own test
    for (uint64_t i = 0; i < 16; ++i) problems_.push_back(draw_problem(find_family("expressions-b3"), 2, Split::kTrain, 1, i));
  }
  // A completion as ids, `</think>` where the text has it, EOS at its end.
  RolloutSample sample(const std::string& text) const {
    RolloutSample s;
    s.policy.ids = {0};
    s.policy.prompt = 1;
    const size_t end = text.find("</think>");
    tokenizer_.encode(text.substr(0, end), false, &s.policy.ids);
    if (end != text.npos) {
      s.policy.ids.push_back(end_of_thinking_id(tokenizer_));
      tokenizer_.encode(text.substr(end + 8), true, &s.policy.ids);
    }
    s.policy.ids.push_back(tokenizer_.eos_id());
    return s;
  }
  JudgedSample judged(const RolloutSample& s) {
    Rewarder rewarder(options_, tokenizer_, 1);
    return rewarder.judge(problems_, {&s, 1}, 0, 1)[0];
  }
  std::string box(const std::string& answer) const { return "thought</think>\\boxed{" + answer + "}"; }

  Tokenizer tokenizer_;
  RewardOptions options_;
  std::vector<Problem> problems_;
};

TEST_F(RewardTest, WhatAnAnswerPays) {
  const std::string gold = problems_[0].gold, other = gold == "7" ? "8" : "7";
  EXPECT_EQ(judged(sample(box(gold))).reward, 1);
  EXPECT_EQ(judged(sample(box("?"))).reward, 0);
  EXPECT_EQ(judged(sample(box(other))).reward, -0.25);
  EXPECT_EQ(judged(sample(box(other))).outcome, Outcome::kWrong);
  // Nothing to grade: no box, no end of thinking, two ends, an answer in the thought.
  for (const std::string& text : {"thought</think>" + gold, "thought \\boxed{" + gold + "}", "a</think>b</think>\\boxed{" + gold + "}",
                                  "\\boxed{" + gold + "}</think>the answer"}) {
    EXPECT_EQ(judged(sample(text)).reward, -0.25) << text;
    EXPECT_EQ(judged(sample(text)).outcome, Outcome::kNoAnswer) << text;
  }
  // Cut off: whatever it says.
  RolloutSample cut = sample(box(gold));
  cut.truncated = true;
  EXPECT_EQ(judged(cut).reward, -0.25);
  EXPECT_EQ(judged(cut).vote, "");
  // Without thinking the prompt's </think> counts.
  RolloutSample off = sample("\\boxed{" + gold + "}");
  off.thinking = false;
  EXPECT_EQ(judged(off).reward, 1);
}

// One right answer, three wrong ones, one without a box and four `?`: the bad ones cost at most half of what the right one earns.
TEST_F(RewardTest, RareRightAnswersAreNotOutweighed) {
  options_ = {};
  const std::string gold = problems_[0].gold, other = gold == "7" ? "8" : "7";
  std::vector<RolloutSample> samples = {sample(box(gold)), sample(box(other)), sample(box(other)), sample(box(other)), sample("thought</think>no box")};
  for (int i = 0; i < 4; ++i) samples.push_back(sample(box("?")));
  const auto rewards = [&] {
    std::vector<double> out;
    Rewarder rewarder(options_, tokenizer_, 1);
    for (const JudgedSample& j : rewarder.judge(problems_, samples, 0, int64_t(samples.size()))) out.push_back(j.reward);
    return out;
  };
  EXPECT_EQ(rewards(), (std::vector<double>{1, -0.125, -0.125, -0.125, -0.125, 0, 0, 0, 0}));
  options_.wrong_limit = 0;
  EXPECT_EQ(rewards()[1], -0.25);
  options_.wrong_limit = 10;
  EXPECT_EQ(rewards()[1], -0.25) << "a limit never makes it worse than it is";

  EXPECT_EQ(price_of_wrong({}, 5, 10), -0.25);
  EXPECT_EQ(price_of_wrong({}, 1, 10), -0.05);
  EXPECT_EQ(price_of_wrong({}, 0, 10), 0) << "nothing right: nothing is known yet, and nothing is punished";
  RewardOptions kind;
  kind.wrong = 0.5, kind.abstain = 0;  // a user may pay bad answers better than `?`
  EXPECT_EQ(price_of_wrong(kind, 1, 100), 0.5);
}

// Format alone never pays as much as the right answer, and constant answers or the prompt's own words pay nothing.
TEST_F(RewardTest, NothingPaysButTheAnswer) {
  options_.format = 0.1;
  EXPECT_DOUBLE_EQ(judged(sample(box(problems_[0].gold))).reward, 1.1);
  EXPECT_DOUBLE_EQ(judged(sample(box("?"))).reward, 0.1);
  EXPECT_DOUBLE_EQ(judged(sample(box(""))).reward, -0.15);
  EXPECT_DOUBLE_EQ(judged(sample("thought</think>no box")).reward, -0.25);
  EXPECT_LT(judged(sample(box(problems_[0].prompt))).reward, 0);
}

TEST_F(RewardTest, TheCoinIsFairAndACounter) {
  options_.kind = RewardKind::kRandom;
  std::vector<RolloutSample> samples(400, sample(box("1")));
  for (size_t i = 0; i < samples.size(); ++i) samples[i].prompt = i / 100;
  Rewarder rewarder(options_, tokenizer_, 1);
  const auto a = rewarder.judge(problems_, samples, 8, 100), b = rewarder.judge(problems_, samples, 8, 100), c = rewarder.judge(problems_, samples, 12, 100);
  int64_t heads = 0, same = 0, moved = 0;
  for (size_t i = 0; i < a.size(); ++i) heads += a[i].reward == 1, same += a[i].reward == b[i].reward, moved += a[i].reward != c[i].reward;
  EXPECT_EQ(same, 400);
  EXPECT_NEAR(double(heads), 200, 50);  // 5 standard deviations
  EXPECT_NEAR(double(moved), 200, 50);
}

TEST_F(RewardTest, AUsersGraderDecides) {
  options_.kind = RewardKind::kCommand;
  options_.command = R"(while read -r line; do case "$line" in *'"answer":"7"'*) echo '{"reward": 0.75}';; *) echo '{"equal": false}';; esac; done)";
  EXPECT_DOUBLE_EQ(judged(sample(box("7"))).reward, -0.25 + 0.75 * 1.25);
  EXPECT_EQ(judged(sample(box("7"))).outcome, Outcome::kRight);
  EXPECT_DOUBLE_EQ(judged(sample(box(problems_[0].gold + "0"))).reward, -0.25);
  EXPECT_DOUBLE_EQ(judged(sample(box("?"))).reward, 0) << "what `?` pays is not the grader's business";
  options_.command = "read -r line; exit 4";
  EXPECT_THROW(judged(sample(box("7"))), Error) << "never a silent 0";
}

TEST_F(RewardTest, SelfTest) {
  EXPECT_EQ(Rewarder(options_, tokenizer_, 1).self_test(problems_), 0);
  for (const char* family : {"countdown-a3", "products-b2", "equations-b4", "units-b6"}) {
    std::vector<Problem> problems;
    for (uint64_t i = 0; i < 16; ++i) problems.push_back(draw_problem(find_family(family), 0, Split::kTrain, 2, i));
    EXPECT_EQ(Rewarder(options_, tokenizer_, 1).self_test(problems), 0) << family;
  }
  options_.kind = RewardKind::kCommand;
  const auto failing = [&](const std::string& command, const std::string& words) {
    options_.command = command;
    try {
      Rewarder(options_, tokenizer_, 1).self_test(problems_);
      ADD_FAILURE() << command;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
    }
  };
  failing("while read -r line; do echo '{\"equal\": false}'; done", "must be right, it is wrong");
  failing("while read -r line; do echo '{\"equal\": true}'; done", "wrong answers");
}

}  // namespace
}  // namespace minke
