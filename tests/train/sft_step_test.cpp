// A fine-tuning step: the loss is the mean over the answers' tokens of the whole step, whatever the examples' lengths and however the step
// is cut; examples do not see one another; MTP is trained with the same mask.
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/rng.h"
#include "model/score.h"
#include "train/step.h"
#include "train/training_data.h"

namespace minke {
namespace {

struct Made {
  StepBatch batch;
  std::vector<std::vector<int32_t>> windows;
  std::vector<int64_t> given;
};

// Eight examples of 4 to 60 random tokens, prompts of at least one.
Made make_examples(int64_t vocab) {
  Rng rng(11);
  Made m;
  for (int i = 0; i < 8; ++i) {
    std::vector<int32_t> ids(size_t(rng.range(4, 60)));
    for (int32_t& id : ids) id = int32_t(rng.below(uint64_t(vocab)));
    const int64_t prompt = rng.range(1, int64_t(ids.size()) - 1);
    m.given.push_back(prompt);
    m.batch.tokens.insert(m.batch.tokens.end(), ids.begin(), ids.end());
    m.batch.lengths.push_back(int64_t(ids.size()) - 1);
    for (size_t t = 0; t < ids.size(); ++t) m.batch.weights.push_back(int64_t(t) >= prompt);
    m.windows.push_back(std::move(ids));
  }
  return m;
}

class SftStep : public testing::Test {
 protected:
  SftStep() : config_(ModelConfig::from_toml(read_file("configs/nano.toml"), "nano")) {
    o_.batch_sequences = 2;
    o_.sequence_length = 60;
    o_.precision = o_.moments = "f32";
    o_.balance_alpha = 0;
  }
  // One step from fresh weights without moving them; the gradients stay in the model.
  StepReport step(const StepBatch& batch, Transformer& model, int64_t micro = 0) {
    o_.micro_batch_sequences = micro;
    initialise(model, 3);
    TrainStep s(model, o_, false);
    Progress progress;
    const StepReport r = s.run(batch.view(), {0, 0, 0.5}, progress);
    EXPECT_EQ(progress.tokens, batch.view().rows());
    return r;
  }
  ModelConfig config_;
  TrainOptions o_;
};

double relative(const Weights& a, const Weights& b) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < a.flat_size(); ++i) {
    difference += std::pow(double(a.gradients()[i]) - double(b.gradients()[i]), 2);
    norm += std::pow(double(a.gradients()[i]), 2);
  }
  return std::sqrt(difference / norm);
}

TEST_F(SftStep, TheLossIsTheMeanOverTheAnswersTokens) {
  const Made m = make_examples(config_.vocab_size);
  Transformer model(config_, DType::kF32, WeightUse::kTraining);
  const StepReport r = step(m.batch, model);
  const Score score = score_windows(model, m.windows, {}, m.given);
  double targets = 0;
  for (size_t i = 0; i < m.windows.size(); ++i) targets += double(m.windows[i].size()) - double(m.given[i]);
  EXPECT_EQ(double(score.tokens), targets);
  EXPECT_NEAR(r.losses.main, score.nll / targets, 1e-6 * r.losses.main);
  ASSERT_EQ(r.losses.mtp.size(), 1u);
  EXPECT_GT(r.losses.mtp[0], 1.0);

  // By hand, each example alone: what the others are changes nothing.
  double sum = 0;
  for (size_t i = 0; i < m.windows.size(); ++i) sum += score_windows(model, {m.windows[i]}, {}, {m.given[i]}).nll;
  EXPECT_NEAR(sum, score.nll, 1e-9 * sum);
}

TEST_F(SftStep, HoweverItIsCut) {
  const Made m = make_examples(config_.vocab_size);
  Transformer whole(config_, DType::kF32, WeightUse::kTraining), cut(config_, DType::kF32, WeightUse::kTraining);
  const StepReport a = step(m.batch, whole), b = step(m.batch, cut, 1);  // at most 60 rows a pass
  EXPECT_NEAR(a.losses.main, b.losses.main, 1e-6 * a.losses.main);
  EXPECT_NEAR(a.losses.mtp[0], b.losses.mtp[0], 1e-6 * a.losses.mtp[0]);
  EXPECT_LT(relative(whole.weights(), cut.weights()), 1e-5);
  EXPECT_EQ(whole.expert_loads(), cut.expert_loads());
}

// A prompt's tokens are inputs, not targets: with other weights the gradient differs, and scaling all weights changes nothing.
TEST_F(SftStep, WeightsAreRelative) {
  const Made m = make_examples(config_.vocab_size);
  StepBatch doubled = m.batch, all = m.batch;
  for (float& w : doubled.weights) w *= 2;
  for (float& w : all.weights) w = 1;
  Transformer a(config_, DType::kF32, WeightUse::kTraining), b(config_, DType::kF32, WeightUse::kTraining), c(config_, DType::kF32, WeightUse::kTraining);
  const StepReport x = step(m.batch, a), y = step(doubled, b), z = step(all, c);
  EXPECT_EQ(x.losses.main, y.losses.main);
  EXPECT_LT(relative(a.weights(), b.weights()), 1e-6);
  EXPECT_GT(relative(a.weights(), c.weights()), 0.1);
  EXPECT_NE(x.losses.main, z.losses.main);
}

TEST_F(SftStep, MtpAloneLeavesTheRestAsItWas) {
  const Made m = make_examples(config_.vocab_size);
  Transformer model(config_, DType::kF32, WeightUse::kTraining);
  initialise(model, 3);
  const Weights& w = model.weights();
  const std::vector<float> before(w.masters(), w.masters() + w.flat_size());
  o_.mtp_only = true;
  TrainStep s(model, o_, false);
  Progress progress;
  const double first = s.run(m.batch.view(), {1e-2, 0, 0.5}, progress).losses.mtp[0];
  double last = first;
  for (int i = 0; i < 5; ++i) last = s.run(m.batch.view(), {1e-2, 0, 0.5}, progress).losses.mtp[0];
  EXPECT_LT(last, first - 0.1);
  for (size_t i = 0; i < w.specs().size(); ++i) {
    const ParameterSpec& spec = w.specs()[i];
    const float* at = w.masters() + w.offset(i);
    EXPECT_EQ(std::equal(at, at + spec.elements(), before.begin() + w.offset(i)), !spec.mtp || !spec.trained()) << spec.name;
  }
}

}  // namespace
}  // namespace minke
