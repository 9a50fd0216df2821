// The training pass over sequences of different lengths, with weights per target and with a loss that is a function of log p.
#include "base/rng.h"
#include "checkpoint/oracle.h"
#include "kernels/loss/cross_entropy.h"

namespace minke {
namespace {

class TrainBatchTest : public testing::Test {
 protected:
  void SetUp() override { model_ = load_model(oracle_folder("v3"), "f32", WeightUse::kTraining); }

  std::vector<int32_t> random_tokens(int64_t n, uint64_t seed) const {
    Rng rng(seed);
    std::vector<int32_t> out;
    for (int64_t i = 0; i < n; ++i) out.push_back(int32_t(rng.below(uint64_t(model_->config().vocab_size))));
    return out;
  }
  std::vector<float> gradients() const {
    const Weights& w = model_->weights();
    return {w.gradients(), w.gradients() + w.flat_size()};
  }
  void zero() { std::fill_n(model_->weights().gradients(), model_->weights().flat_size(), 0.0f); }

  std::unique_ptr<Transformer> model_;
};

double relative(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(double(a[i]) - double(b[i]), 2);
    norm += std::pow(double(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

TEST_F(TrainBatchTest, RaggedSequencesAddUp) {
  const std::vector<int64_t> lengths = {7, 1, 20};
  LossOptions o;
  o.mtp_lambda = 0.3f;
  const std::vector<int32_t> tokens = random_tokens(7 + 1 + 20 + 3, 1);
  std::vector<float> weights(tokens.size());
  double total = 0;
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = float(i % 3) * 0.5f;
  for (size_t b = 0, at = 0; b < lengths.size(); at += size_t(lengths[b++]) + 1)
    for (size_t t = 1; t <= size_t(lengths[b]); ++t) total += double(weights[at + t]);

  zero();
  const StepLosses whole = model_->train({tokens, lengths, weights, {}}, o, total, 3);
  const std::vector<float> together = gradients();
  zero();
  StepLosses sum;
  sum.mtp.resize(whole.mtp.size());
  for (size_t b = 0, at = 0; b < lengths.size(); at += size_t(lengths[b++]) + 1) {
    const size_t n = size_t(lengths[b]) + 1;
    const StepLosses part = model_->train({std::span(tokens).subspan(at, n), {lengths[b]}, std::span(weights).subspan(at, n), {}}, o, total, 3);
    sum.main += part.main;
    for (size_t k = 0; k < part.mtp.size(); ++k) sum.mtp[k] += part.mtp[k];
  }
  EXPECT_NEAR(whole.main, sum.main, 1e-6 * whole.main);
  for (size_t k = 0; k < sum.mtp.size(); ++k) EXPECT_NEAR(whole.mtp[k], sum.mtp[k], 1e-6 * whole.mtp[k]);
  EXPECT_LT(relative(together, gradients()), 1e-5);
}

// The first token of a sequence is nobody's target; a weight of 0 makes a target cost nothing, whatever it is.
TEST_F(TrainBatchTest, TargetsOfWeightZeroCostNothing) {
  std::vector<int32_t> tokens = random_tokens(13, 2);
  std::vector<float> weights(13, 1.0f);
  weights[12] = 0;
  LossOptions o;
  zero();
  const double loss = model_->train({tokens, {12}, weights, {}}, o, 11, 1).main;
  const std::vector<float> before = gradients();
  tokens[12] = (tokens[12] + 1) % int32_t(model_->config().vocab_size);
  weights[0] = 100;
  zero();
  EXPECT_EQ(model_->train({tokens, {12}, weights, {}}, o, 11, 1).main, loss);
  EXPECT_EQ(gradients(), before);
}

// Cross-entropy said as a function of log p gives cross-entropy's bits; the log p it is told are token_logp's of the logits.
TEST_F(TrainBatchTest, LossOfLogProbabilities) {
  for (const float temperature : {1.0f, 0.7f}) {
    const std::vector<int32_t> tokens = random_tokens(600, 3);  // more than a chunk of the head
    LossOptions o;
    o.temperature = temperature;
    zero();
    const double loss = model_->train({tokens, {599}, {}, {}}, o, 599, 1).main;
    const std::vector<float> expected = gradients();
    zero();
    std::vector<float> logp(tokens.size());
    const double same = model_->train({tokens, {599}, {}, {}}, o, 599, 1, [&](int64_t n, const int64_t* targets, const float* p, float* dlogp) {
      for (int64_t i = 0; i < n; ++i) {
        logp[size_t(targets[i])] = p[i];
        dlogp[i] = float(-1.0 / 599);
      }
    }).main;
    EXPECT_EQ(same, loss);
    EXPECT_EQ(gradients(), expected);

    Rows rows;
    rows.add(599, 0);
    Arena arena;
    ForwardSaved saved;
    model_->forward(rows, tokens.data(), saved, arena, {}, false);
    const int64_t vocab = model_->config().vocab_size;
    View logits = take(arena, DType::kF32, 599, vocab);
    model_->logits(saved.x, logits);
    temper_rows(599, vocab, temperature, logits.f32());
    for (int64_t t = 0; t < 599; ++t) {
      ASSERT_EQ(token_logp(vocab, logits.f32() + t * vocab, tokens[size_t(t) + 1]), logp[size_t(t) + 1]) << t;
    }
  }
}

// The gradient at another temperature is the derivative of the loss at that temperature.
TEST_F(TrainBatchTest, TemperatureGradientIsTheDerivative) {
  const std::vector<int32_t> tokens = random_tokens(20, 4);
  LossOptions o;
  o.temperature = 0.5f;
  zero();
  model_->train({tokens, {19}, {}, {}}, o, 19, 1);
  Weights& w = model_->weights();
  const size_t head = w.index("lm_head.weight");
  float* values = w.masters() + w.offset(head);
  const float* g = w.gradients() + w.offset(head);
  const int64_t n = w.specs()[head].elements();
  std::vector<float> direction(g, g + n);
  double slope = 0, norm = 0;
  for (const float d : direction) norm += double(d) * double(d);
  norm = std::sqrt(norm);
  for (int64_t i = 0; i < n; ++i) slope += double(g[i]) * double(direction[size_t(i)]) / norm;
  const std::vector<float> saved(values, values + n);
  double at[2];
  const double step = 1e-2;
  for (int side = 0; side < 2; ++side) {
    for (int64_t i = 0; i < n; ++i) values[i] = saved[size_t(i)] + float((side ? step : -step) * double(direction[size_t(i)]) / norm);
    w.refresh();
    at[side] = model_->train({tokens, {19}, {}, {}}, o, 19, 1).main;
  }
  EXPECT_NEAR((at[1] - at[0]) / (2 * step), slope, 1e-3 * slope);
}

}  // namespace
}  // namespace minke
