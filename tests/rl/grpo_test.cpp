// The numbers of GRPO: groups worked out by hand, every loss against its definition, every derivative against the complex step.
#include "rl/grpo.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "rl/grpo_ref.h"

namespace minke {
namespace {

TEST(Grpo, AdvantagesByHand) {
  const std::vector<double> one_of_four = {1, 0, 0, 0};
  const GroupAdvantages mean_only = group_advantages(one_of_four, false);
  EXPECT_FALSE(mean_only.zero_variance);
  EXPECT_EQ(mean_only.values, (std::vector<double>{0.75, -0.25, -0.25, -0.25}));
  const GroupAdvantages scaled = group_advantages(one_of_four, true);  // p = 1/4
  EXPECT_NEAR(scaled.values[0], std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(scaled.values[1], -std::sqrt(1.0 / 3.0), 1e-12);
  // Right, abstained, wrong, wrong: mean 0.125.
  const std::vector<double> mixed = {1, 0, -0.25, -0.25};
  EXPECT_EQ(group_advantages(mixed, false).values, (std::vector<double>{0.875, -0.125, -0.375, -0.375}));
}

TEST(Grpo, AGroupOfEqualRewardsTeachesNothing) {
  for (const double r : {0.0, 1.0, -0.25, 0.1}) {  // 0.1: a mean that rounds must not leave a rest
    const std::vector<double> equal(7, r);
    for (const bool std : {false, true}) {
      const GroupAdvantages a = group_advantages(equal, std);
      EXPECT_TRUE(a.zero_variance);
      EXPECT_EQ(a.values, std::vector<double>(7, 0.0));
    }
  }
}

TEST(Grpo, WeightsByHand) {
  GrpoOptions o;
  o.max_tokens = 10;
  const std::vector<int64_t> lengths = {2, 6, 0};  // the third is left out
  o.normalisation = Normalisation::kSequence;
  EXPECT_EQ(sample_weights(o, lengths), (std::vector<double>{1.0 / 6, 1.0 / 18, 0}));
  o.normalisation = Normalisation::kToken;
  EXPECT_EQ(sample_weights(o, lengths), (std::vector<double>{1.0 / 8, 1.0 / 8, 0}));
  o.normalisation = Normalisation::kConstant;
  EXPECT_EQ(sample_weights(o, lengths), (std::vector<double>{1.0 / 30, 1.0 / 30, 0}));
}

TEST(Grpo, SoftPunishmentOfLongSamples) {
  GrpoOptions o;
  o.max_tokens = 100;
  EXPECT_EQ(overlong_penalty(o, 100), 0);
  o.overlong = Overlong::kSoft;
  o.overlong_tokens = 20;
  EXPECT_EQ(overlong_penalty(o, 80), 0);
  EXPECT_EQ(overlong_penalty(o, 90), -0.5);
  EXPECT_EQ(overlong_penalty(o, 100), -1);
}

TEST(Grpo, ClippingByHand) {
  GrpoOptions o;
  o.clip_low = 0.2;
  o.clip_high = 0.28;
  const auto at = [&](double ratio, double advantage) { return token_term(o, std::log(ratio), 0, 0, advantage); };
  // A good token that became likelier than allowed stops; one that became unlikelier goes on.
  EXPECT_TRUE(at(1.3, 1).clipped_high);
  EXPECT_EQ(at(1.3, 1).d_logp, 0);
  EXPECT_NEAR(at(1.3, 1).loss, -1.28, 1e-12);
  EXPECT_FALSE(at(0.5, 1).clipped_low);
  EXPECT_NEAR(at(0.5, 1).d_logp, -0.5, 1e-12);
  // A bad token that became unlikelier than allowed stops; one that became likelier is pushed with all its weight.
  EXPECT_TRUE(at(0.7, -1).clipped_low);
  EXPECT_EQ(at(0.7, -1).d_logp, 0);
  EXPECT_NEAR(at(0.7, -1).loss, 0.8, 1e-12);
  EXPECT_NEAR(at(5, -1).d_logp, 5, 1e-12);
  o.clip_dual = 3;
  EXPECT_EQ(at(5, -1).d_logp, 0);
  EXPECT_NEAR(at(5, -1).loss, 3, 1e-12);
  EXPECT_NEAR(at(5, 1).loss, -1.28, 1e-12);
}

// Exactly on-policy: the ratio is 1, the loss is -A and its derivative too, whatever is clipped.
TEST(Grpo, OnPolicyIsThePlainPolicyGradient) {
  for (const char* name : {"r1", "drgrpo", "dapo"}) {
    const TokenTerm t = token_term(grpo_preset(name), -1.7, -1.7, -1.7, 0.6);
    EXPECT_EQ(t.ratio, 1.0) << name;
    EXPECT_EQ(t.loss, -0.6) << name;
    EXPECT_EQ(t.d_logp, -0.6) << name;
    EXPECT_EQ(t.kl, 0) << name;
  }
}

TEST(Grpo, LossAndDerivativeAgainstTheDefinition) {
  Rng rng(11);
  int64_t flat = 0;
  for (int i = 0; i < 4000; ++i) {
    GrpoOptions o;
    o.kl = KlEstimator(rng.below(4));
    o.beta = o.kl == KlEstimator::kNone ? 0 : rng.uniform();
    o.clip_low = rng.below(3) ? 0.4 * rng.uniform() : 0;
    o.clip_high = rng.below(3) ? 0.6 * rng.uniform() : 0;
    o.clip_dual = rng.below(3) ? 0 : 1 + o.clip_high + rng.uniform();
    const double old = -3 * rng.uniform(), ref = -3 * rng.uniform(), advantage = double(rng.normal()), logp = old + 0.5 * double(rng.normal());
    const TokenTerm t = token_term(o, logp, old, ref, advantage);
    EXPECT_NEAR(t.loss, token_loss<double>(o, logp, old, ref, advantage), 1e-12 * (1 + std::abs(t.loss)));
    constexpr double kStep = 1e-40;
    const double derivative = token_loss<std::complex<double>>(o, {logp, kStep}, old, ref, advantage).imag() / kStep;
    EXPECT_NEAR(t.d_logp, derivative, 1e-12 * (1 + std::abs(derivative))) << "case " << i;
    flat += t.clipped_low || t.clipped_high;
  }
  EXPECT_GT(flat, 400) << "the cases must reach the clipped sides";
}

// k1, k2 and k3 of two distributions over three tokens: k1 and k3 average to the KL exactly, k3 is never negative.
TEST(Grpo, KlEstimators) {
  const double pi[3] = {0.5, 0.3, 0.2}, ref[3] = {0.2, 0.2, 0.6};
  double exact = 0, k1 = 0, k3 = 0;
  for (int i = 0; i < 3; ++i) {
    GrpoOptions o;
    o.beta = 1;
    const auto kl = [&](KlEstimator e) {
      o.kl = e;
      return token_term(o, std::log(pi[i]), std::log(pi[i]), std::log(ref[i]), 0).kl;
    };
    exact += pi[i] * std::log(pi[i] / ref[i]);
    k1 += pi[i] * kl(KlEstimator::kK1);
    k3 += pi[i] * kl(KlEstimator::kK3);
    EXPECT_GE(kl(KlEstimator::kK3), 0);
    EXPECT_NEAR(kl(KlEstimator::kK2), 0.5 * std::pow(std::log(pi[i] / ref[i]), 2), 1e-12);
  }
  EXPECT_NEAR(k1, exact, 1e-12);
  EXPECT_NEAR(k3, exact, 1e-12);
}

TEST(Grpo, MetricsAdd) {
  GrpoOptions o;
  o.clip_high = 0.1;
  PolicyMetrics a, b;
  a.add(token_term(o, std::log(0.5), 0, 0, 1), 0.5, std::log(0.5));
  b.add(token_term(o, std::log(2.0), 0, 0, 1), 0.5, std::log(2.0));
  a.merge(b);
  EXPECT_EQ(a.tokens, 2);
  EXPECT_EQ(a.clipped_high, 1);
  EXPECT_NEAR(a.ratio_min, 0.5, 1e-12);
  EXPECT_NEAR(a.ratio_max, 2.0, 1e-12);
  EXPECT_NEAR(a.loss, -0.25 - 0.55, 1e-12);
}

TEST(Grpo, SettingsThatContradict) {
  const auto refused = [](auto change, const char* word) {
    GrpoOptions o;
    change(o);
    try {
      validate(o, "x: ");
      ADD_FAILURE() << word << " was accepted";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  refused([](GrpoOptions& o) { o.samples = 1; }, "samples");
  refused([](GrpoOptions& o) { o.minibatches = 3; }, "minibatches");
  refused([](GrpoOptions& o) { o.beta = 0.1; }, "kl");
  refused([](GrpoOptions& o) { o.clip_dual = 1; }, "clip_dual");
  refused([](GrpoOptions& o) { o.overlong = Overlong::kSoft; }, "overlong_tokens");
  refused([](GrpoOptions& o) { o.reference_every = 5; }, "reference_every");
  EXPECT_THROW(grpo_preset("ppo"), UsageError);
}

}  // namespace
}  // namespace minke
