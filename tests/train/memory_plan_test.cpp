// The planned memory is what the allocator then counts: whole and kind by kind, for one switch after another.
#include "train/memory_plan.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/file.h"
#include "base/threads.h"
#include "model/score.h"
#include "train/step.h"
#include "train/training_data.h"

namespace minke {
namespace {

struct Case {
  const char* name;
  std::function<void(ModelConfig&, RunConfig&)> change;
  int threads = 2;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// tiny's model on generated problems alone, evaluated on prose too.
void tiny(ModelConfig& m, RunConfig& r) {
  m = ModelConfig::from_toml(read_file("configs/tiny.toml"), "tiny");
  r.data.problem_weight = 1;
  r.data.held_out = {"data/books/heldout"};
  r.train.batch_sequences = 8;
  r.run.eval_tokens = 2048;
}

// Two steps and an evaluation by a thread and a pool that hold nothing yet.
MemoryPlan measured(const ModelConfig& config, const RunConfig& run, int threads) {
  set_thread_count(threads + 1);
  set_thread_count(threads);
  MemoryPlan out;
  std::thread([&] {
    EXPECT_EQ(process_memory().use().total, 0);
    process_memory().restart_peak();
    const TrainOptions& o = run.train;
    TrainingData data(run.data, o, run.run.eval_tokens);
    Transformer model(config, o.compute(), WeightUse::kTraining);
    initialise(model, 1);
    TrainStep step(model, o, run.data.mask_segments);
    Progress progress;
    for (int i = 0; i < 2; ++i) step.run(data.batches().next().view(), scheduled(o, 0), progress);
    score_windows(model, window_tokens(data.held_out().prose));
    score_windows(model, window_tokens(data.held_out().problems));
    out = memory_table(process_memory().use(), 0);
  }).join();
  set_thread_count(1);
  return out;
}

int64_t of(const MemoryPlan& plan, const std::string& kind) {
  for (const auto& [name, bytes] : plan.by_kind)
    if (name == kind) return bytes;
  ADD_FAILURE() << kind;
  return 0;
}

class Planned : public testing::TestWithParam<Case> {};

TEST_P(Planned, IsWhatTheAllocatorCounts) {
  ModelConfig config;
  RunConfig run;
  tiny(config, run);
  GetParam().change(config, run);
  const MemoryPlan actual = measured(config, run, GetParam().threads);
  set_thread_count(GetParam().threads);
  const MemoryPlan plan = plan_memory(config, run);
  set_thread_count(1);
  EXPECT_NEAR(double(plan.peak_bytes), double(actual.peak_bytes), 0.03 * double(actual.peak_bytes));
  ASSERT_EQ(plan.by_kind.size(), actual.by_kind.size());
  int64_t sum = 0;
  for (size_t i = 0; i < plan.by_kind.size(); ++i) {
    auto [kind, bytes] = plan.by_kind[i];
    sum += bytes;
    EXPECT_EQ(kind, actual.by_kind[i].first);
    if (kind == "activations") continue;  // the account of the process does not tell them from the pass's workspace
    if (kind == "workspace") bytes += of(plan, "activations");
    // What experts get is not known before, and a thread may not have met its largest task yet: a chunk of scratch each.
    const double slack = kind == "workspace" ? double(4 << 20) * GetParam().threads : 0;
    EXPECT_NEAR(double(bytes), double(actual.by_kind[i].second), slack) << kind;
  }
  EXPECT_EQ(sum, plan.peak_bytes);
  EXPECT_EQ(process_memory().use().total, 0) << "planning holds nothing";
}

const Case kCases[] = {
    {"bf16", [](ModelConfig&, RunConfig&) {}},
    {"one_thread", [](ModelConfig&, RunConfig&) {}, 1},
    {"f32", [](ModelConfig&, RunConfig& r) { r.train.precision = "f32"; }},
    {"fp8", [](ModelConfig&, RunConfig& r) { r.train.precision = "fp8"; }},
    {"f32_moments", [](ModelConfig&, RunConfig& r) { r.train.moments = "f32"; }},
    {"no_mtp", [](ModelConfig& m, RunConfig&) { m.num_nextn_predict_layers = 0; }},
    {"mtp_untrained", [](ModelConfig&, RunConfig& r) { r.train.mtp_lambda = r.train.mtp_lambda_final = 0; }},
    {"two_mtp_pre_norm", [](ModelConfig& m, RunConfig&) { m.num_nextn_predict_layers = 2, m.mtp_hidden = MtpHidden::kPreNorm; }},
    {"mtp_alone", [](ModelConfig&, RunConfig& r) { r.train.mtp_only = true, r.train.gamma = 0; }},
    {"longer", [](ModelConfig&, RunConfig& r) { r.train.sequence_length = 700, r.train.batch_sequences = 3; }},
    {"micro_batches", [](ModelConfig&, RunConfig& r) { r.train.micro_batch_sequences = 2; }},
    {"dense", [](ModelConfig& m, RunConfig&) { m.first_k_dense_replace = m.num_hidden_layers + m.num_nextn_predict_layers; }},
    {"masked_segments", [](ModelConfig&, RunConfig& r) { r.data.mask_segments = true; }},
    {"wide_evaluation", [](ModelConfig&, RunConfig& r) { r.train.batch_sequences = 1, r.run.eval_tokens = 8192; }},
};
INSTANTIATE_TEST_SUITE_P(Switches, Planned, testing::ValuesIn(kCases), [](const auto& c) { return std::string(c.param.name); });

TEST(Plan, ActivationsFollowTheRowsOfAPass) {
  ModelConfig config;
  RunConfig run;
  tiny(config, run);
  const double eight = double(of(plan_memory(config, run), "activations"));
  run.train.micro_batch_sequences = 4;
  EXPECT_NEAR(double(of(plan_memory(config, run), "activations")), eight / 2, 0.03 * eight);
  run.train.batch_sequences = 4;
  run.train.micro_batch_sequences = 0;
  EXPECT_NEAR(double(of(plan_memory(config, run), "activations")), eight / 2, 0.03 * eight);
  run.train.precision = "f32";  // the residual stream is f32 in both
  EXPECT_GT(double(of(plan_memory(config, run), "activations")), 1.3 * eight / 2);
}

TEST(Plan, OfAModelThatNoMachineHereHolds) {
  const ModelConfig v3 = ModelConfig::from_toml(read_file("configs/v3.toml"), "v3");
  int64_t elements = 0;
  for (const ParameterSpec& p : parameter_list(v3))
    if (p.copy_of.empty()) elements += p.elements();
  const MemoryPlan plan = plan_memory(v3, {});
  EXPECT_EQ(plan.by_kind[0], (std::pair<std::string, int64_t>("masters", elements * 4)));
  EXPECT_EQ(plan.by_kind[2], (std::pair<std::string, int64_t>("moments", elements * 4)));  // two of bf16
  EXPECT_GT(plan.peak_bytes, int64_t(8) << 40);
  EXPECT_EQ(process_memory().use().total, 0);
}

}  // namespace
}  // namespace minke
