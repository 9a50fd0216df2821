#include "cli/bench_train.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/gemm/gemm.h"
#include "kernels/peak/peak.h"
#include "model/cost.h"
#include "train/step.h"
#include "train/training_data.h"

namespace minke {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + int64_t(x.size() / 2), x.end());
  return x[x.size() / 2];
}

struct Steps {
  std::vector<double> seconds;       // of each step, the wait for its batch included
  std::vector<Ledger::Row> rows;     // sums over the steps, the longest first; they add up to `seconds`
  double peak_gflops = 0, read_gb_s = 0;
};

Steps take_steps(TrainStep& step, BatchStream& batches, int64_t n) {
  constexpr int64_t kWarmUp = 2;  // the first one also touches all memory
  const StepValues values = scheduled(step.options(), 0);
  const DType dtype = step.options().compute();
  Progress progress;
  for (int64_t i = 0; i < kWarmUp; ++i) step.run(batches.next().view(), values, progress);
  Steps s;
  double waited = 0, counted = 0, all = 0;
  Ledger ledger(Ledger::Mode::kTimed);
  for (int64_t i = 0; i < n; ++i) {
    // The roof is looked at in the same seconds, between the steps: the machine has slow ones.
    s.peak_gflops = std::max(s.peak_gflops, peak_gflops(dtype, chosen_isa(), thread_count()));
    s.read_gb_s = std::max(s.read_gb_s, read_gb_s());
    const auto begin = Clock::now();
    const StepBatch batch = batches.next();
    waited += since(begin);
    step.run(batch.view(), values, progress);
    s.seconds.push_back(since(begin));
    all += s.seconds.back();
  }
  s.rows = ledger.rows();
  for (const Ledger::Row& r : s.rows) counted += r.seconds;
  s.rows.push_back({"wait for data", 0, 0, n, waited, 0, 0});
  s.rows.push_back({"outside of kernels", 0, 0, n, std::max(0.0, all - counted - waited), 0, 0});
  std::sort(s.rows.begin(), s.rows.end(), [](const Ledger::Row& a, const Ledger::Row& b) { return a.seconds > b.seconds; });
  return s;
}

}  // namespace

void bench_train(const std::string& config_path, int64_t steps, bool json) {
  const std::string text = read_file(config_path);
  const ModelConfig config = ModelConfig::from_toml(text, config_path);
  const RunConfig run = RunConfig::from_toml(text, config_path);
  const TrainOptions& o = run.train;
  TrainingData data(run.data, o, o.sequence_length);
  if (data.vocab_size() > config.vocab_size)
    fail("{}: the tokenizer has {} ids, the model's vocab_size is {}; make vocab_size at least as large", run.data.tokenizer, data.vocab_size(),
         config.vocab_size);
  Transformer model(config, o.recipe(), WeightUse::kTraining);
  initialise(model, o.seed);
  TrainStep step(model, o, run.data.mask_segments);
  const Steps s = take_steps(step, data.batches(), steps);

  const double tokens = data.batches().rows_per_step(), tok_s = tokens / median(s.seconds);
  const double gflops = tok_s * train_flops_per_token(config, o.sequence_length, o.mtp_lambda > 0) / 1e9, share = gflops / s.peak_gflops;
  double all = 0;
  for (const double x : s.seconds) all += x;
  if (!json) {
    std::printf("%s, %s, %d threads, %s: %.1f tokens/s (median of %zu steps of %.0f tokens), %.0f of %.0f GFLOP/s = %.1f%% of the peak; reads %.1f GB/s\n",
                cpu_model().c_str(), gemm_variant().name, thread_count(), o.precision.c_str(), tok_s, s.seconds.size(), tokens, gflops, s.peak_gflops, share * 100,
                s.read_gb_s);
    std::printf("%-24s %-14s %7s %10s %8s %10s %8s %7s\n", "a step", "[out, in]", "calls", "ms", "of step", "GFLOP/s", "GB/s", "share");
  }
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Ledger::Row& r : s.rows) {
    const double n = double(steps), seconds = r.seconds / n, row_gflops = r.flop / r.seconds / 1e9, gb_s = r.bytes / r.seconds / 1e9;
    const bool products = r.flop > 0, memory = !products && r.bytes > 0;
    const std::string shape = r.out > 0 ? fmt::format("[{}, {}]", r.out, r.in) : "";
    nlohmann::ordered_json row = {{"name", r.name}, {"shape", shape}, {"calls", double(r.calls) / n}, {"seconds", seconds}, {"of_step", r.seconds / all}};
    std::string speed = fmt::format("{:>10} {:>8} {:>7}", "-", "-", "-");
    if (products) {
      speed = fmt::format("{:>10.1f} {:>8} {:>6.1f}%", row_gflops, "-", 100 * row_gflops / s.peak_gflops);
      row.update({{"gflops", row_gflops}, {"of", "peak_gflops"}, {"share", row_gflops / s.peak_gflops}});
    } else if (memory) {
      speed = fmt::format("{:>10} {:>8.1f} {:>6.1f}%", "-", gb_s, 100 * gb_s / s.read_gb_s);
      row.update({{"gb_s", gb_s}, {"of", "read_gb_s"}, {"share", gb_s / s.read_gb_s}});
    }
    rows.push_back(row);
    if (!json)
      std::printf("%-24s %-14s %7.0f %10.2f %7.1f%% %s\n", r.name, shape.c_str(), double(r.calls) / n, seconds * 1e3, 100 * r.seconds / all, speed.c_str());
  }
  if (!json) return;
  const nlohmann::ordered_json out = {
      {"config", config_path}, {"cpu", cpu_model()},   {"isa", isa_name(chosen_isa())}, {"variant", gemm_variant().name}, {"threads", thread_count()},
      {"precision", o.precision}, {"tokens", tokens},  {"tok_s", tok_s},                {"gflops", gflops},               {"peak_gflops", s.peak_gflops},
      {"peak_share", share},   {"read_gb_s", s.read_gb_s}, {"step_seconds", s.seconds}, {"rows", rows}};
  std::printf("%s\n", out.dump().c_str());
}

}  // namespace minke
