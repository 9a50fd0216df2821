// What a step's kernels say they did: the products' FLOPs are the config's own count, and the times add up to the step.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "base/file.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "model/cost.h"
#include "train/step.h"

namespace minke {
namespace {

class StepLedger : public testing::TestWithParam<int> {
 protected:
  StepLedger() : config_(ModelConfig::from_toml(read_file("configs/nano.toml"), "nano")) {
    set_thread_count(GetParam());
    config_.num_nextn_predict_layers = 0;
    o_.sequence_length = 64;
    o_.batch_sequences = 8;
    o_.precision = o_.moments = "f32";
  }
  ~StepLedger() override { set_thread_count(1); }
  ModelConfig config_;
  TrainOptions o_;
};

TEST_P(StepLedger, CountsEveryProductOnceWhateverTheThreads) {
  Transformer model(config_, o_.compute(), WeightUse::kTraining);
  initialise(model, 1);
  TrainStep step(model, o_, false);
  const int64_t rows = o_.sequence_length * o_.batch_sequences;
  const std::vector<int32_t> tokens(size_t(rows + o_.batch_sequences), 5);
  const TrainBatch batch{tokens, std::vector<int64_t>(size_t(o_.batch_sequences), o_.sequence_length), {}, {}};
  Progress progress;
  step.run(batch, scheduled(o_, 0), progress);  // uncounted: memory is touched, threads wake

  Ledger ledger(Ledger::Mode::kTimed);
  const auto start = std::chrono::steady_clock::now();
  step.run(batch, scheduled(o_, 0), progress);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  double products = 0, attention = 0, counted = 0;
  std::map<std::string, int64_t> calls;
  for (const Ledger::Row& r : ledger.rows()) {
    counted += r.seconds;
    calls[r.name] += r.calls;
    EXPECT_TRUE(r.flop > 0 || r.bytes > 0) << r.name;
    if (std::strncmp(r.name, "attention", 9) == 0)
      attention += r.flop;
    else
      products += r.flop;
  }
  // cost.h counts a row's weights three times (forward and both gradients), the router's among them, which is no product here.
  const double d = double(config_.hidden_size), heads = double(config_.num_attention_heads), layers = double(config_.num_hidden_layers);
  const double qk = double(config_.qk_head_dim()), v = double(config_.v_head_dim), pairs = double(o_.sequence_length + 1) / 2;
  const double routers = 3 * 2 * d * double(config_.n_routed_experts) * double(config_.num_hidden_layers - config_.first_k_dense_replace);
  const double attention_once = 2 * heads * (qk + v) * pairs * layers;
  const double expected = train_flops_per_token(config_, o_.sequence_length, false) - 3 * attention_once - routers;
  EXPECT_DOUBLE_EQ(products, double(rows) * expected);
  // The backward makes the scores again: 3 qk + 2 v beside the forward's qk + v.
  EXPECT_DOUBLE_EQ(attention, double(rows) * 2 * heads * (4 * qk + 3 * v) * pairs * layers);
  EXPECT_EQ(calls["attention forward"], config_.num_hidden_layers);
  EXPECT_EQ(calls["round and pack"], 1);
  EXPECT_EQ(calls["gradient norm"], 1);
  EXPECT_LE(counted, seconds);
  EXPECT_GE(counted, 0.5 * seconds) << "most of a step is kernels";
}

INSTANTIATE_TEST_SUITE_P(Threads, StepLedger, testing::Values(1, 2));

}  // namespace
}  // namespace minke
