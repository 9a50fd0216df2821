// One step of RL on the smallest model: groups, dynamic sampling, overlong samples, and that a step is a function of its place in the run.
#include "rl/learner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "eval/bigram_model.h"
#include "reason/pace.h"
#include "rl/step_metrics.h"
#include "train/step.h"

namespace minke {
namespace {

class LearnerTest : public testing::Test {
 protected:
  LearnerTest() : tokenizer_(Tokenizer::load("tokenizer")) {
    config_.model = "fresh";
    config_.tasks = {{"countdown-a1", 0, 3, "", false}, {"products-b2", 1, 1, "", false}};
    config_.reward.kind = RewardKind::kRandom;  // fresh weights answer nothing
    config_.rl.grpo.prompts = 4;
    config_.rl.grpo.samples = 2;
    config_.rl.limits = {2, 6, 4};
    model_ = fresh();
  }
  static std::unique_ptr<Transformer> fresh() {
    auto model = std::make_unique<Transformer>(ModelConfig::load("configs/nano.toml"), DType::kF32, WeightUse::kTraining);
    initialise(*model, 5);
    return model;
  }
  std::vector<float> masters(const Transformer& model) const { return {model.weights().masters(), model.weights().masters() + model.weights().flat_size()}; }

  Tokenizer tokenizer_;
  RlConfig config_;
  std::unique_ptr<Transformer> model_;
};

// What the policy is told is what limits it: each pace's tag with its own cap, one of every kind among enough problems.
TEST_F(LearnerTest, PacedProblemsAreToldTheirCap) {
  config_.rl.limits = {3, 64, 4};
  config_.rl.paced = 0.7;
  config_.rl.thinking_off = 0.2;
  config_.rl.grpo.prompts = 64;
  Learner learner(*model_, tokenizer_, config_);
  std::map<std::string, int> seen;
  for (uint64_t i = 0; i < 200; ++i) {
    const RolloutPrompt p = learner.prompt_of(learner.problems().at(i), i);
    const std::string text = tokenizer_.decode(p.ids);
    const size_t at = text.find("effort: "), end = text.find("<", at);
    const std::string told = at == std::string::npos ? "" : text.substr(at + 8, end - at - 8);
    ++seen[told];
    if (told == "off") {
      EXPECT_EQ(p.think_cap, 0);
    }
    for (const Pace& pace : paces())
      if (told == pace.name) {
        EXPECT_EQ(p.think_cap, std::max(1.0, 64 * pace.share)) << told;
      }
  }
  EXPECT_EQ(seen.size(), 6u) << "no tag, off and four paces";
  EXPECT_NEAR(seen[""], 60, 25);
  config_.rl.paced = 1;
  config_.rl.thinking_off = 0;
  config_.rl.pace = "low";
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(learner.prompt_of(learner.problems().at(i), i).think_cap, 4);
}

TEST_F(LearnerTest, DynamicSamplingFillsTheUpdateWithGroupsThatDiffer) {
  // Two samples under a coin: half of the groups have no variance.
  config_.rl.grpo.dynamic_sampling = true;
  config_.rl.grpo.prompts = 8;
  config_.rl.grpo.max_rounds = 20;
  Learner learner(*model_, tokenizer_, config_);
  Progress progress;
  RlStepReport report;
  ASSERT_TRUE(learner.step(progress, report, {}));
  int64_t useful = 0;
  for (const Group& g : report.groups) useful += !g.zero_variance;
  EXPECT_EQ(useful, 8);
  EXPECT_GT(report.groups.size(), 8u);
  EXPECT_GT(report.rounds, 1);
  EXPECT_EQ(learner.position, report.groups.size());
  for (size_t i = 0; i < report.groups.size(); ++i) EXPECT_EQ(report.groups[i].number, i);

  // Without it one rollout, whatever comes.
  config_.rl.grpo.dynamic_sampling = false;
  Learner plain(*model_, tokenizer_, config_);
  ASSERT_TRUE(plain.step(progress, report, {}));
  EXPECT_EQ(report.groups.size(), 8u);
  EXPECT_EQ(report.rounds, 1);

  // A budget of rounds ends it, and a step without any variance moves nothing.
  config_.reward = {};  // the grader: all wrong
  config_.rl.grpo.dynamic_sampling = true;
  config_.rl.grpo.max_rounds = 2;
  const std::vector<float> before = masters(*model_);
  Learner flat(*model_, tokenizer_, config_);
  ASSERT_TRUE(flat.step(progress, report, {}));
  EXPECT_EQ(report.rounds, 2);
  EXPECT_EQ(report.updates, 0);
  EXPECT_TRUE(summarise(report.groups).no_variance());
  EXPECT_EQ(masters(*model_), before);
}

TEST_F(LearnerTest, OverlongSamplesLoseTheirLossOrTheirReward) {
  // Fresh weights never end by themselves: every sample is truncated.
  config_.rl.grpo.samples = 4;
  config_.rl.grpo.overlong = Overlong::kFilter;
  Learner filter(*model_, tokenizer_, config_);
  Progress progress;
  RlStepReport report;
  ASSERT_TRUE(filter.step(progress, report, {}));
  for (const Group& g : report.groups)
    for (const RolloutSample& s : g.samples) EXPECT_EQ(s.policy.left_out, s.truncated);
  EXPECT_GT(summarise(report.groups).truncated, 8);

  config_.rl.grpo.overlong = Overlong::kSoft;
  config_.rl.grpo.overlong_tokens = 4;
  Learner soft(*model_, tokenizer_, config_);
  ASSERT_TRUE(soft.step(progress, report, {}));
  for (const Group& g : report.groups) {
    std::vector<double> rewards;
    for (size_t i = 0; i < g.samples.size(); ++i)
      rewards.push_back(g.judged[i].reward + overlong_penalty(config_.rl.policy_step().grpo, g.samples[i].policy.completion()));
    const GroupAdvantages expected = group_advantages(rewards, false);
    for (size_t i = 0; i < g.samples.size(); ++i) EXPECT_EQ(g.samples[i].policy.advantage, expected.values[i]);
  }
}

// Two learners, the second beginning at the first one's second step: the same problems, samples and weights.
TEST_F(LearnerTest, AStepIsAFunctionOfItsPlace) {
  config_.rl.grpo.samples = 4;
  Learner learner(*model_, tokenizer_, config_);
  Progress progress;
  RlStepReport first, second;
  ASSERT_TRUE(learner.step(progress, first, {}));
  EXPECT_EQ(first.logp_diff_max, 0);
  EXPECT_GT(first.updates, 0);

  const auto copy = fresh();
  std::copy_n(model_->weights().masters(), model_->weights().flat_size(), copy->weights().masters());
  copy->weights().refresh();
  Learner other(*copy, tokenizer_, config_);
  std::memcpy(other.optimizer().m(), learner.optimizer().m(), size_t(model_->weights().flat_size()) * 4);
  std::memcpy(other.optimizer().v(), learner.optimizer().v(), size_t(model_->weights().flat_size()) * 4);
  other.position = learner.position;
  Progress again = progress;

  ASSERT_TRUE(learner.step(progress, first, {}));
  ASSERT_TRUE(other.step(again, second, {}));
  ASSERT_EQ(first.groups.size(), second.groups.size());
  for (size_t g = 0; g < first.groups.size(); ++g) {
    EXPECT_EQ(first.groups[g].problem.id, second.groups[g].problem.id);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(first.groups[g].samples[i].policy.ids, second.groups[g].samples[i].policy.ids);
  }
  EXPECT_EQ(masters(*model_), masters(*copy));

  // A step that is stopped leaves no trace.
  const std::vector<float> before = masters(*model_);
  const uint64_t position = learner.position;
  EXPECT_FALSE(learner.step(progress, first, [] { return true; }));
  EXPECT_EQ(learner.position, position);
  EXPECT_EQ(progress.step, 2);
  EXPECT_EQ(masters(*model_), before);
}

// Lines of one seven; after each a coin decides between another and the end, and nothing else is open: ln 2 at every choice, whatever is
// drawn, and 0 at every other token.
TEST_F(LearnerTest, EntropyAtChoicesIsThatOfTheirPlaces) {
  BigramModel m(tokenizer_);
  const int32_t line = m.token("\n"), seven = m.token("7"), end = m.token("</think>");
  m.follow(line, seven).follow(line, end).follow(seven, line).follow(m.path(end, "\\boxed{4}"), tokenizer_.eos_id());
  const auto model = m.build(WeightUse::kTraining);
  config_.rl.grpo.samples = 8;
  config_.rl.limits = {3, 40, 8};
  Learner learner(*model, tokenizer_, config_);
  Progress progress;
  RlStepReport report;
  ASSERT_TRUE(learner.step(progress, report, {}));
  EXPECT_GE(report.choices, 32);
  EXPECT_NEAR(report.choice_nll / double(report.choices), std::log(2.0), 1e-4);
  double all = 0;
  for (const Group& g : report.groups)
    for (const RolloutSample& s : g.samples)
      for (size_t t = 0; t < s.policy.old_logp.size(); ++t) all -= s.policy.forced[t] ? 0.0 : double(s.policy.old_logp[t]);
  EXPECT_NEAR(all, report.choice_nll, 1e-3 * double(report.choices));
}

// Rollouts over the latent cache bring the experts that the update replays; those over the expanded one bring none.
TEST_F(LearnerTest, TheCachesFormAndItsMemory) {
  config_.rl.grpo.samples = 4;
  Learner expanded(*model_, tokenizer_, config_);
  Progress progress;
  RlStepReport report;
  ASSERT_TRUE(expanded.step(progress, report, {}));
  EXPECT_EQ(report.logp_diff_max, 0);
  EXPECT_EQ(report.logp_diff_mean, 0);
  EXPECT_FALSE(report.replay_diff_share);
  for (const Group& g : report.groups)
    for (const RolloutSample& s : g.samples) EXPECT_TRUE(s.policy.experts.empty());
  const Learner::CacheNeed big = expanded.cache_need(CacheForm::kExpanded), small = expanded.cache_need(CacheForm::kLatent);
  EXPECT_LT(small.sequence, big.sequence);
  EXPECT_EQ(big.rollout, 16 * big.sequence);
  int64_t longest = 0;
  for (const Group& g : report.groups) longest = std::max(longest, g.samples[0].policy.prompt);
  EXPECT_EQ(big.sequence, sequence_cache_bytes(*model_, CacheForm::kExpanded, longest + config_.rl.limits.max_completion() - 1));

  config_.rl.cache = CacheForm::kLatent;
  model_ = fresh();
  Learner latent(*model_, tokenizer_, config_);
  progress = {};
  ASSERT_TRUE(latent.step(progress, report, {}));
  EXPECT_GT(report.logp_diff_max, 0);
  EXPECT_LT(report.logp_diff_max, 1e-4);
  EXPECT_GT(report.logp_diff_mean, 0);
  ASSERT_TRUE(report.replay_diff_share);
  EXPECT_LT(*report.replay_diff_share, 0.01);
  for (const Group& g : report.groups)
    for (const RolloutSample& s : g.samples) EXPECT_EQ(int64_t(s.policy.experts.size()), (int64_t(s.policy.ids.size()) - 1) * model_->choices_per_row());
}

TEST_F(LearnerTest, TheStreamMixesItsTasksAndKeepsSplitsApart) {
  config_.rl.seed = 7;
  const ProblemStream stream(config_.tasks, config_.rl);
  int64_t countdown = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    const Problem p = stream.at(i);
    EXPECT_EQ(split_of(p.canonical_key), Split::kTrain);
    countdown += p.family == "countdown-a1";
  }
  EXPECT_NEAR(double(countdown), 300, 45);  // 5 standard deviations
  const std::vector<Problem> held_out = stream.held_out(Split::kCalibration, 7, 8);
  ASSERT_EQ(held_out.size(), 8u);
  countdown = 0;
  for (const Problem& p : held_out) {
    EXPECT_EQ(split_of(p.canonical_key), Split::kCalibration);
    countdown += p.family == "countdown-a1";
  }
  EXPECT_EQ(countdown, 6);
}

// The guesser says 4 with 0.6 and 5 with 0.3, never 9: of three levels whose answers these are the last falls to the floor, and comes back
// no further than that. What a learner restored from the state asks is what the first one asks.
TEST_F(LearnerTest, TheCurriculumAsksWhatTeaches) {
  const std::string path = testing::TempDir() + "minke-levels-" + std::to_string(getpid()) + ".jsonl";
  std::string lines;
  for (int i = 0; i < 120; ++i)
    lines += fmt::format("{{\"prompt\": \"question {}\", \"answer\": \"{}\", \"level\": {}}}\n", i, i % 3 == 0 ? 4 : i % 3 == 1 ? 5 : 9, i % 3 + 1);
  write_file_atomic(path, lines);
  const auto model = guessing_model(tokenizer_).build(WeightUse::kTraining);
  config_.tasks = {{path, 0, 1, "", false}};
  config_.reward = {};
  config_.rl.limits = {16, 16, 8};
  config_.rl.lr = 0;  // it stays a guesser
  config_.rl.grpo.samples = 8;
  config_.rl.grpo.prompts = 8;
  config_.rl.curriculum = CurriculumKind::kPassRate;
  Learner learner(*model, tokenizer_, config_);
  ASSERT_EQ(learner.problems().curriculum()->levels().size(), 3u);
  Progress progress;
  RlStepReport report;
  std::vector<int> asked(3);
  for (int step = 0; step < 12; ++step) {
    ASSERT_TRUE(learner.step(progress, report, {}));
    if (step == 0) {
      EXPECT_EQ(report.shares, std::vector<double>(3, 1.0 / 3));
    }
    for (const Group& g : report.groups) {
      EXPECT_EQ(g.problem.level, int(g.level) + 1);
      ++asked[g.level];
    }
  }
  EXPECT_NEAR(report.pass_rates[0], 0.6, 0.2);
  EXPECT_NEAR(report.pass_rates[1], 0.3, 0.2);
  EXPECT_EQ(report.pass_rates[2], 0);
  EXPECT_NEAR(report.shares[2], 0.1 / 2.1, 0.02);
  EXPECT_LT(asked[2], 20) << "of 96; 32 are even";
  EXPECT_GT(asked[2], 0);

  Learner other(*model, tokenizer_, config_);
  other.position = learner.position;
  other.problems().curriculum()->restore(learner.problems().curriculum()->state(), "state");
  Progress again = progress;
  RlStepReport second;
  // A step that is stopped tells it nothing.
  EXPECT_FALSE(learner.step(progress, report, [] { return true; }));
  ASSERT_TRUE(learner.step(progress, report, {}));
  ASSERT_TRUE(other.step(again, second, {}));
  for (size_t g = 0; g < report.groups.size(); ++g) EXPECT_EQ(report.groups[g].problem.prompt, second.groups[g].problem.prompt);
  EXPECT_EQ(report.shares, second.shares);
  EXPECT_EQ(learner.problems().curriculum()->state(), other.problems().curriculum()->state());

  config_.tasks[0].level = 2;
  EXPECT_THROW(Learner(*model, tokenizer_, config_), Error) << "one level is no choice";
  // A family's levels, each apart; a task with a fixed level is one.
  config_.tasks = {{"expressions-b3", 0, 3, "", false}, {"products-b2", 2, 1, "", false}};
  ProblemStream stream(config_.tasks, config_.rl);
  const auto& levels = stream.curriculum()->levels();
  ASSERT_GT(levels.size(), 4u);
  EXPECT_EQ(levels.back().name, "products-b2/2");
  EXPECT_NEAR(stream.curriculum()->shares().back(), 0.25, 1e-12);
  std::remove(path.c_str());
}

TEST(RlOptions, LearningRate) {
  RlOptions o;
  o.lr = 1, o.warmup_steps = 4, o.decay_steps = 0;
  EXPECT_EQ(o.lr_at(0), 0.25);
  EXPECT_EQ(o.lr_at(3), 1);
  EXPECT_EQ(o.lr_at(1000), 1);
  o.decay_steps = 10, o.lr_final = 0.5;
  EXPECT_EQ(o.lr_at(4), 1);
  EXPECT_EQ(o.lr_at(9), 0.75);
  EXPECT_EQ(o.lr_at(100), 0.5);
}

// Every config that ships is read, and a preset's values yield to keys.
TEST(RlOptions, Configs) {
  const RlConfig shipped = RlConfig::from_toml(read_file("configs/rl-countdown.toml"), "configs/rl-countdown.toml");
  EXPECT_EQ(shipped.tasks.at(0).name, "countdown-a3");
  EXPECT_TRUE(shipped.rl.grpo.wants_reference()) << "the shipped config keeps near its start";
  const RlConfig c = RlConfig::from_toml("[task]\nname='a'\n[rl]\npreset='dapo'\nminibatches=4\nclip_high=0.5\nthink_max=78\nanswer_tokens=20\n", "x");
  EXPECT_EQ(c.rl.grpo.minibatches, 4);
  EXPECT_EQ(c.rl.grpo.clip_low, 0.2);
  EXPECT_EQ(c.rl.grpo.clip_high, 0.5);
  EXPECT_EQ(c.rl.grpo.max_tokens, 100);
  EXPECT_EQ(c.rl.grpo.overlong_tokens, 20);
  EXPECT_TRUE(c.rl.grpo.dynamic_sampling);
  const RlConfig none = RlConfig::from_toml("[task]\nname='a'\n[rl]\npreset='r1'\nkl='none'\n", "x");
  EXPECT_FALSE(none.rl.grpo.wants_reference());
}

}  // namespace
}  // namespace minke
