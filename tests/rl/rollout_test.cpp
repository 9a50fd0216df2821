// Rollouts: limits and forced tokens, numbers that depend on the problem alone, and log-probabilities that the training pass repeats.
#include "rl/rollout.h"

#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "checkpoint/oracle.h"
#include "rl/reference.h"

namespace minke {
namespace {

constexpr int32_t kEnd = 5;

class RolloutTest : public testing::Test {
 protected:
  void load(const char* name, const char* dtype) {
    model_ = load_model(oracle_folder(name), dtype, WeightUse::kTraining);
    request_.samples = 4;
    request_.limits = {4, 12, 6};
    request_.sampler.temperature = 1;
    request_.sampler.seed = 9;
    request_.end_of_thinking = kEnd;
    request_.eos = {1};
    request_.positions = model_->config().max_position_embeddings;
    prompts_.clear();
    for (uint64_t p = 0; p < 5; ++p) prompts_.push_back({{0, int32_t(10 + p), int32_t(20 + p), int32_t(7 * p + 2)}, 40 + p, think_cap(request_.limits, 3, 40 + p)});
    prompts_[4].think_cap = 0;
  }
  std::vector<RolloutSample> run(CacheForm form = CacheForm::kExpanded) {
    Engine engine(*model_, form);
    return roll_out(engine, prompts_, request_, {});
  }
  std::unique_ptr<Transformer> model_;
  RolloutRequest request_;
  std::vector<RolloutPrompt> prompts_;
};

TEST_F(RolloutTest, LimitsHoldAndForcedTokensAreMarked) {
  load("v3", "f32");
  const std::vector<RolloutSample> samples = run();
  ASSERT_EQ(samples.size(), 20u);
  int64_t cut = 0, truncated = 0, own = 0;
  for (const RolloutSample& s : samples) {
    const auto c = s.completion();
    const RolloutPrompt& p = prompts_[s.prompt];
    ASSERT_EQ(s.policy.forced.size(), c.size());
    ASSERT_EQ(s.policy.old_logp.size(), c.size());
    EXPECT_LE(s.think_tokens, p.think_cap);
    EXPECT_LE(s.answer_tokens, request_.limits.answer_tokens);
    EXPECT_LE(int64_t(c.size()), request_.limits.max_completion());
    EXPECT_EQ(std::count(s.policy.forced.begin(), s.policy.forced.end(), 1), s.thinking_cut + s.truncated);
    if (s.thinking_cut) {
      EXPECT_EQ(s.think_tokens, p.think_cap);
      EXPECT_EQ(c[size_t(s.think_tokens)], kEnd);
      EXPECT_EQ(s.policy.forced[size_t(s.think_tokens)], 1);
    }
    if (s.truncated) {
      EXPECT_EQ(s.answer_tokens, request_.limits.answer_tokens);
      EXPECT_EQ(c.back(), 1);
      EXPECT_EQ(s.policy.forced.back(), 1);
    }
    cut += s.thinking_cut, truncated += s.truncated, own += !s.thinking_cut && !s.truncated;
  }
  EXPECT_GT(cut, 0);
  EXPECT_GT(truncated, 0);
}

// The heart: the rollout's log-probabilities are the training forward's, bit for bit, forced tokens included.
TEST_F(RolloutTest, TrainingRepeatsTheRolloutsBits) {
  for (const char* dtype : {"f32", "bf16", "fp8"})
    for (const char* name : {"v3", "v3-odd", "v3-half-split"})
      for (const double temperature : {1.0, 0.8}) {
        load(name, dtype);
        request_.sampler.temperature = temperature;
        std::vector<RolloutSample> samples = run();
        std::vector<PolicySample> policy;
        for (RolloutSample& s : samples) policy.push_back(std::move(s.policy));
        for (size_t i = 0; i < policy.size(); ++i) policy[i].advantage = i % 2 ? 1 : -1;
        PolicyStepOptions o;
        o.temperature = temperature;
        o.rows_per_pass = 50;
        PolicyStep step(*model_, o);
        const UpdateReport report = step.gradients(policy);
        EXPECT_GT(report.policy.tokens, 50);
        EXPECT_EQ(report.logp_diff_max, 0) << name << " " << dtype << " at T " << temperature;
        EXPECT_EQ(report.policy.ratio_min, 1);
        EXPECT_EQ(report.policy.ratio_max, 1);
      }
}

// Recorded experts replayed. Over the expanded cache they are the ones that training chooses, and no bit changes.
TEST_F(RolloutTest, TheExpandedCachesExpertsAreTrainingsOwn) {
  for (const char* dtype : {"f32", "bf16"}) {
    load("v3", dtype);
    request_.record_experts = true;
    std::vector<PolicySample> policy;
    for (RolloutSample& s : run()) policy.push_back(std::move(s.policy));
    for (size_t i = 0; i < policy.size(); ++i) policy[i].advantage = i % 2 ? 1 : -1;
    PolicyStepOptions o;
    o.rows_per_pass = 50;
    PolicyStep step(*model_, o);
    const Weights& w = model_->weights();
    const UpdateReport replayed = step.gradients(policy);
    EXPECT_EQ(replayed.replayed, replayed.rows * model_->choices_per_row());
    EXPECT_EQ(replayed.replay_differs, 0);
    EXPECT_EQ(replayed.logp_diff_max, 0);
    const std::vector<float> g(w.gradients(), w.gradients() + w.flat_size());
    for (PolicySample& s : policy) s.experts.clear();
    const UpdateReport own = step.gradients(policy);
    EXPECT_EQ(own.replayed, 0);
    EXPECT_TRUE(std::equal(g.begin(), g.end(), w.gradients()));
  }
}

// Over the latent cache log-probabilities differ by roundings. Where such a difference chose another expert than training would, the
// replay keeps it small.
TEST_F(RolloutTest, TheLatentCachesExpertsAreReplayed) {
  request_.record_experts = true;
  for (const char* name : {"v3", "v3-odd", "v3-dense"})
    for (const char* dtype : {"f32", "bf16"}) {
      SCOPED_TRACE(std::string(name) + " " + dtype);
      load(name, dtype);
      std::vector<PolicySample> policy;
      for (RolloutSample& s : run(CacheForm::kLatent)) policy.push_back(std::move(s.policy));
      for (size_t i = 0; i < policy.size(); ++i) policy[i].advantage = i % 2 ? 1 : -1;
      PolicyStepOptions o;
      o.rows_per_pass = 50;
      PolicyStep step(*model_, o);
      const UpdateReport report = step.gradients(policy);
      EXPECT_EQ(report.replayed, report.rows * model_->choices_per_row());
      EXPECT_GT(report.logp_diff_max, 0);
      EXPECT_LE(report.logp_diff_sum, report.logp_diff_max * double(report.logp_diffs));
      EXPECT_GT(report.policy.ratio_max, report.policy.ratio_min);
      const bool f32 = std::string(dtype) == "f32";
      EXPECT_LT(report.logp_diff_max, f32 ? 1e-4 : 0.2);
      EXPECT_LE(report.replay_differs, report.replayed / (f32 ? 1000 : 20));
      if (report.replayed == 0) continue;

      // Choices of another shape, or of some samples only, are refused.
      std::vector<PolicySample> bad = policy;
      bad[1].experts.pop_back();
      EXPECT_THROW(step.gradients(bad), Error);
      bad[1].experts.clear();
      EXPECT_THROW(step.gradients(bad), Error);
    }
}

// A sample is a function of (seed, problem, sample, position): neither its neighbours nor the order matter.
TEST_F(RolloutTest, SamplesDependOnTheirProblemAlone) {
  load("v3", "f32");
  const std::vector<RolloutSample> all = run();
  const std::vector<RolloutPrompt> prompts = prompts_;
  for (size_t p = 0; p < prompts.size(); ++p) {
    prompts_ = {prompts[p]};
    const std::vector<RolloutSample> alone = run();
    for (size_t i = 0; i < alone.size(); ++i) {
      EXPECT_EQ(alone[i].policy.ids, all[p * 4 + i].policy.ids);
      EXPECT_EQ(alone[i].policy.old_logp, all[p * 4 + i].policy.old_logp);
    }
  }
  prompts_ = {prompts[0]};
  prompts_[0].problem += 1;
  EXPECT_NE(run()[0].policy.ids, all[0].policy.ids);
}

TEST(ThinkCap, IsDrawnOncePerProblemWithinItsLimits) {
  const RolloutLimits limits{3, 9, 4};
  std::vector<int64_t> seen(10);
  for (uint64_t p = 0; p < 700; ++p) {
    const int64_t cap = think_cap(limits, 1, p);
    ASSERT_GE(cap, 3);
    ASSERT_LE(cap, 9);
    EXPECT_EQ(cap, think_cap(limits, 1, p));
    ++seen[size_t(cap)];
  }
  for (size_t cap = 3; cap < 10; ++cap) EXPECT_GT(seen[cap], 50) << cap;
}

TEST_F(RolloutTest, TheReferenceScoresAndComesBackFromItsFile) {
  load("v3", "bf16");
  std::vector<PolicySample> samples;
  for (RolloutSample& s : run()) samples.push_back(std::move(s.policy));
  for (size_t i = 0; i < samples.size(); ++i) samples[i].advantage = i % 2 ? 1 : -1;
  Reference reference(*model_);
  reference.score(samples, 1, 100);
  for (const PolicySample& s : samples) EXPECT_EQ(s.ref_logp, s.old_logp);  // a copy of the policy that drew them

  PolicyStepOptions o;
  o.grpo = grpo_preset("r1");
  PolicyStep step(*model_, o);
  Progress progress;
  EXPECT_EQ(step.gradients(samples).policy.kl_sum, 0);
  for (int i = 0; i < 3; ++i) step.run(samples, 3e-3, progress);
  EXPECT_GT(step.gradients(samples).policy.kl_sum, 0);

  const std::string folder = testing::TempDir() + "minke-reference-" + std::to_string(getpid());
  make_folders(folder);
  reference.save(folder);
  Reference moved(*model_);
  std::vector<PolicySample> again = samples;
  moved.score(again, 1, 100);
  EXPECT_NE(again[0].ref_logp, samples[0].ref_logp);
  moved.load(folder);
  moved.score(again, 1, 100);
  for (size_t i = 0; i < samples.size(); ++i) EXPECT_EQ(again[i].ref_logp, samples[i].ref_logp);

  load("v3-odd", "bf16");
  EXPECT_THROW(Reference(*model_).load(folder), Error);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace minke
