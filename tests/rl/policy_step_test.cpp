// One update: exactly on-policy ratios, what is left out of the loss, what stays frozen.
#include "rl/policy_step.h"

#include "base/rng.h"
#include "checkpoint/oracle.h"

namespace minke {
namespace {

class PolicyStepTest : public testing::Test {
 protected:
  void SetUp() override {
    model_ = load_model(oracle_folder("v3"), "f32", WeightUse::kTraining);
    options_.rows_per_pass = 40;
    options_.adamw.moments = "f32";
    Rng rng(3);
    for (int i = 0; i < 8; ++i) {
      PolicySample s;
      s.prompt = 3 + int64_t(rng.below(5));
      const int64_t n = s.prompt + 4 + int64_t(rng.below(12));
      for (int64_t t = 0; t < n; ++t) s.ids.push_back(int32_t(rng.below(96)));
      s.forced.assign(size_t(s.completion()), 0);
      s.advantage = i % 2 ? 0.5 : -0.25;
      samples_.push_back(std::move(s));
    }
    take_old_logp();
  }
  // The samples become the current policy's own.
  void take_old_logp() {
    std::vector<const PolicySample*> all;
    for (const PolicySample& s : samples_) all.push_back(&s);
    const auto logp = completion_logp(*model_, all, options_.temperature, 1000);
    for (size_t i = 0; i < samples_.size(); ++i) samples_[i].old_logp = logp[i];
  }
  std::vector<float> gradients() const { return {model_->weights().gradients(), model_->weights().gradients() + model_->weights().flat_size()}; }
  std::vector<float> masters() const { return {model_->weights().masters(), model_->weights().masters() + model_->weights().flat_size()}; }

  std::unique_ptr<Transformer> model_;
  PolicyStepOptions options_;
  std::vector<PolicySample> samples_;
};

TEST_F(PolicyStepTest, RatiosAreExactlyOneBeforeTheFirstUpdate) {
  for (const double temperature : {1.0, 0.7}) {
    options_.temperature = temperature;
    take_old_logp();
    PolicyStep step(*model_, options_);
    Progress progress;
    const UpdateReport first = step.run(samples_, 1e-3, progress);
    EXPECT_EQ(first.logp_diff_max, 0);
    EXPECT_EQ(first.policy.ratio_min, 1);
    EXPECT_EQ(first.policy.ratio_max, 1);
    EXPECT_EQ(progress.updates, 1);
    const UpdateReport second = step.run(samples_, 1e-3, progress);
    EXPECT_GT(second.logp_diff_max, 0);
    EXPECT_LT(second.policy.ratio_min, 1);
    EXPECT_GT(second.policy.ratio_max, 1);
  }
}

// After some updates on the same samples the good ones are likelier and the bad ones less likely.
TEST_F(PolicyStepTest, LearnsWhatWasRewarded) {
  PolicyStep step(*model_, options_);
  Progress progress;
  for (int i = 0; i < 5; ++i) step.run(samples_, 1e-3, progress);
  std::vector<const PolicySample*> all;
  for (const PolicySample& s : samples_) all.push_back(&s);
  const auto now = completion_logp(*model_, all, 1, 1000);
  for (size_t i = 0; i < all.size(); ++i) {
    double change = 0;
    for (size_t t = 0; t < now[i].size(); ++t) change += double(now[i][t]) - double(samples_[i].old_logp[t]);
    EXPECT_GT(change * samples_[i].advantage, 0) << i;
  }
}

TEST_F(PolicyStepTest, ForcedTokensAndSamplesLeftOutHaveNoGradient) {
  options_.grpo.normalisation = Normalisation::kConstant;
  PolicyStep step(*model_, options_);
  for (PolicySample& s : samples_) s.advantage = 0;
  samples_[0].advantage = 1;
  samples_[0].forced.assign(samples_[0].forced.size(), 1);
  samples_[1].advantage = 1;
  samples_[1].left_out = true;
  UpdateReport report = step.gradients(samples_);
  EXPECT_EQ(report.trained_samples, 0);
  for (const float g : gradients()) ASSERT_EQ(g, 0.0f);
  // One token of one sample: the gradient is that of its log-probability alone.
  samples_[0].forced[2] = 0;
  report = step.gradients(samples_);
  EXPECT_EQ(report.trained_samples, 1);
  EXPECT_EQ(report.policy.tokens, 1);
  const double norm = step.optimizer().gradient_norm();
  EXPECT_GT(norm, 0);
  samples_[0].ids.resize(size_t(samples_[0].prompt) + 3);  // what follows it cannot matter
  samples_[0].old_logp.resize(3);
  samples_[0].forced.resize(3);
  step.gradients(samples_);
  EXPECT_NEAR(step.optimizer().gradient_norm(), norm, 1e-6 * norm);
}

TEST_F(PolicyStepTest, MtpAndRouterBiasesStayUnlessAsked) {
  options_.adamw.weight_decay = 0.1;
  const std::vector<float> before = masters();
  Progress progress;
  PolicyStep(*model_, options_).run(samples_, 1e-3, progress);
  const std::vector<float> after = masters();
  const Weights& w = model_->weights();
  for (size_t i = 0; i < w.specs().size(); ++i) {
    const ParameterSpec& spec = w.specs()[i];
    const auto from = size_t(w.offset(i)), to = from + size_t(spec.elements());
    const bool same = std::equal(before.begin() + int64_t(from), before.begin() + int64_t(to), after.begin() + int64_t(from));
    EXPECT_EQ(same, spec.mtp || spec.kind == ParameterKind::kRouterBias) << spec.name;
  }
  options_.mtp_lambda = 0.3;
  options_.gamma = 0.01;
  PolicyStep(*model_, options_).run(samples_, 1e-3, progress);
  const std::vector<float> moved = masters();
  for (size_t i = 0; i < w.specs().size(); ++i) {
    const auto from = w.offset(i), to = from + w.specs()[i].elements();
    EXPECT_FALSE(std::equal(after.begin() + from, after.begin() + to, moved.begin() + from)) << w.specs()[i].name;
  }
}

TEST_F(PolicyStepTest, NothingToLearnMovesNothing) {
  PolicyStep step(*model_, options_);
  Progress progress;
  step.run(samples_, 1e-3, progress);
  const std::vector<float> before = masters();
  for (PolicySample& s : samples_) s.advantage = 0;
  const UpdateReport report = step.run(samples_, 1e-3, progress);
  EXPECT_TRUE(report.skipped);
  EXPECT_EQ(report.why, "");
  EXPECT_EQ(masters(), before);
  EXPECT_EQ(progress.updates, 1);
}

TEST_F(PolicyStepTest, ALossThatIsNotFiniteIsSkippedAndCounted) {
  PolicyStep step(*model_, options_);
  samples_[3].old_logp[0] = -std::numeric_limits<float>::infinity();
  const std::vector<float> before = masters();
  Progress progress;
  const UpdateReport report = step.run(samples_, 1e-3, progress);
  EXPECT_TRUE(report.skipped);
  EXPECT_NE(report.why, "");
  EXPECT_EQ(progress.skipped, 1);
  EXPECT_EQ(masters(), before);
}

TEST(PackPasses, FillsToTheLimit) {
  std::vector<PolicySample> samples(5);
  std::vector<const PolicySample*> all;
  for (size_t i = 0; i < 5; ++i) {
    samples[i].ids.resize(std::vector<size_t>{5, 5, 11, 30, 3}[i]);
    all.push_back(&samples[i]);
  }
  EXPECT_EQ(pack_passes(all, 18), (std::vector<size_t>{3, 4, 5}));  // 4 + 4 + 10; 29 alone; 2
  EXPECT_EQ(pack_passes({}, 18), std::vector<size_t>{});
}

}  // namespace
}  // namespace minke
