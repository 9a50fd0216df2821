// Experts chosen by another pass and taken instead of the router's own: what that changes, and its gradient.
#include "base/rng.h"
#include "checkpoint/oracle.h"

namespace minke {
namespace {

const std::vector<int64_t> kLengths = {9, 14, 1};
constexpr int64_t kRows = 9 + 14 + 1;

class ReplayTest : public testing::Test {
 protected:
  void load(const char* name, const char* dtype) {
    model_ = load_model(oracle_folder(name), dtype, WeightUse::kTraining);
    Rng rng(4);
    tokens_.clear();
    for (int64_t i = 0; i < kRows + int64_t(kLengths.size()); ++i) tokens_.push_back(int32_t(rng.below(uint64_t(model_->config().vocab_size))));
  }
  // What the forward chooses: [rows][MoE layers][K].
  std::vector<uint16_t> own_choice() {
    Rows rows;
    std::vector<int32_t> ids;
    size_t at = 0;
    for (const int64_t n : kLengths) {
      rows.add(n, 0);
      ids.insert(ids.end(), tokens_.begin() + int64_t(at), tokens_.begin() + int64_t(at) + n);
      at += size_t(n) + 1;
    }
    Arena arena;
    ForwardSaved saved;
    model_->forward(rows, ids.data(), saved, arena, {}, true);
    const int64_t k = model_->config().num_experts_per_tok;
    std::vector<uint16_t> out;
    for (int64_t t = 0; t < kRows; ++t)
      for (const BlockSaved& b : saved.blocks)
        for (int64_t i = 0; b.moe.chosen && i < k; ++i) out.push_back(uint16_t(b.moe.chosen[t * k + i]));
    return out;
  }
  StepLosses train(std::span<const uint16_t> experts, float mtp_lambda = 0.3f) {
    Weights& w = model_->weights();
    std::fill_n(w.gradients(), w.flat_size(), 0.0f);
    LossOptions o;
    o.mtp_lambda = mtp_lambda;
    return model_->train({tokens_, kLengths, {}, {}, experts}, o, double(kRows), int64_t(kLengths.size()));
  }
  std::vector<float> gradients() const {
    const Weights& w = model_->weights();
    return {w.gradients(), w.gradients() + w.flat_size()};
  }
  // The other experts: each moved on by one, so that a row's stay distinct.
  std::vector<uint16_t> others(std::vector<uint16_t> experts) const {
    for (uint16_t& e : experts) e = uint16_t((e + 1) % model_->config().n_routed_experts);
    return experts;
  }

  std::unique_ptr<Transformer> model_;
  std::vector<int32_t> tokens_;
};

// Gates normalised and not, sigmoid and softmax, with and without dense layers and a bias.
const std::vector<const char*> kModels = {"v3", "v3-odd", "v3-no-shared", "v2-lite", "v2"};

TEST_F(ReplayTest, TheRoutersOwnChoiceReplayedChangesNoBit) {
  for (const char* name : kModels)
    for (const char* dtype : {"f32", "bf16"}) {
      SCOPED_TRACE(std::string(name) + " " + dtype);
      load(name, dtype);
      const StepLosses expected = train({});
      const std::vector<float> g = gradients();
      const std::vector<uint16_t> own = own_choice();
      ASSERT_EQ(int64_t(own.size()), kRows * model_->choices_per_row());
      const StepLosses replayed = train(own);
      EXPECT_EQ(replayed.main, expected.main);
      EXPECT_EQ(replayed.mtp, expected.mtp);
      EXPECT_EQ(replayed.replay_differs, 0);
      EXPECT_EQ(gradients(), g);
    }
}

TEST_F(ReplayTest, OtherExpertsAreTakenAndCounted) {
  for (const char* name : kModels) {
    SCOPED_TRACE(name);
    load(name, "f32");
    const double loss = train({}).main;
    const std::vector<uint16_t> own = own_choice();
    // One choice in the last layer: nothing after it could choose otherwise.
    std::vector<uint16_t> one = own;
    const size_t k = size_t(model_->config().num_experts_per_tok), at = size_t(model_->choices_per_row()) * 3 - k;
    for (uint16_t e = 0;; ++e) {
      ASSERT_LT(e, model_->config().n_routed_experts);
      if (std::find(own.begin() + int64_t(at), own.begin() + int64_t(at + k), e) != own.begin() + int64_t(at + k)) continue;
      one[at] = e;
      break;
    }
    const StepLosses changed = train(one);
    EXPECT_EQ(changed.replay_differs, 1);
    EXPECT_NE(changed.main, loss);
    // The same experts in other slots are no difference.
    one = own;
    std::swap(one[at], one[at + k - 1]);
    EXPECT_EQ(train(one).replay_differs, 0);
    // The loads are of what was taken.
    const std::vector<uint16_t> moved = others(own);
    model_->clear_expert_loads();
    EXPECT_GT(train(moved).replay_differs, int64_t(own.size()) / 4);
    std::vector<std::vector<int64_t>> loads(size_t(model_->choices_per_row()) / k, std::vector<int64_t>(size_t(model_->config().n_routed_experts), 0));
    for (size_t i = 0; i < moved.size(); ++i) ++loads[i / k % loads.size()][moved[i]];
    for (size_t l = 0; l < loads.size(); ++l) EXPECT_EQ(model_->expert_loads()[l], loads[l]);
  }
}

// With the selection held fixed the main loss is smooth: its difference along the gradient is the gradient's norm. (MTP modules choose for
// themselves.)
TEST_F(ReplayTest, GradientThroughReplayedExpertsIsTheDerivative) {
  for (const char* name : kModels) {
    load(name, "f32");
    const std::vector<uint16_t> experts = others(own_choice());
    Weights& w = model_->weights();
    const std::vector<float> start(w.masters(), w.masters() + w.flat_size());
    for (const char* part : {"", "mlp.gate.weight", "mlp.experts."}) {
      SCOPED_TRACE(std::string(name) + " along " + part);
      std::copy(start.begin(), start.end(), w.masters());
      w.refresh();
      train(experts, 0);
      std::vector<float> direction(start.size(), 0.0f);
      double norm = 0;
      for (size_t i = 0; i < w.specs().size(); ++i) {
        if (w.specs()[i].name.find(part) == std::string::npos) continue;
        for (int64_t j = w.offset(i); j < w.offset(i) + w.specs()[i].elements(); ++j) {
          direction[size_t(j)] = w.gradients()[j];
          norm += double(w.gradients()[j]) * double(w.gradients()[j]);
        }
      }
      norm = std::sqrt(norm);
      ASSERT_GT(norm, 0);
      const double step = 1e-2;
      double at[2];
      for (int side = 0; side < 2; ++side) {
        for (size_t j = 0; j < start.size(); ++j) w.masters()[j] = start[j] + float((side ? step : -step) * double(direction[j]) / norm);
        w.refresh();
        at[side] = train(experts, 0).main;
      }
      EXPECT_NEAR((at[1] - at[0]) / (2 * step), norm, 2e-3 * norm);
    }
  }
}

TEST_F(ReplayTest, AnotherShapeIsRefused) {
  load("v3", "f32");
  std::vector<uint16_t> experts = own_choice();
  experts.pop_back();
  try {
    train(experts);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("experts to replay: expected 24 rows x "), std::string::npos) << e.what();
  }
  experts.push_back(uint16_t(model_->config().n_routed_experts));
  EXPECT_THROW(train(experts), std::logic_error) << "there is no such expert";
}

}  // namespace
}  // namespace minke
