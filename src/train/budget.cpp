#include "train/budget.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace minke {

double measure_speed(TrainStep& step, const Transformer& model, const TrainBatch& batch, double run_steps) {
  using Clock = std::chrono::steady_clock;
  constexpr double kSeconds = 2, kShare = 0.05;
  const double most_steps = run_steps > 0 ? kShare * run_steps : std::numeric_limits<double>::infinity();
  const StepValues values = scheduled(step.options(), 0);
  Progress scratch;
  step.run(batch, values, scratch);  // the first one also touches all memory
  std::vector<double> seconds;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    step.run(batch, values, scratch);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  } while (seconds.size() < 2 || (double(seconds.size()) < most_steps && std::chrono::duration<double>(Clock::now() - start).count() < kSeconds));
  const Optimizer& optimizer = step.optimizer();
  const size_t bytes = size_t(model.weights().flat_size()) * dtype_bytes(optimizer.moment_dtype());
  std::memset(optimizer.m(), 0, bytes);
  std::memset(optimizer.v(), 0, bytes);
  std::nth_element(seconds.begin(), seconds.begin() + int64_t(seconds.size() / 2), seconds.end());
  return double(batch.rows()) / seconds[seconds.size() / 2];
}

Budget decide_budget(const TrainOptions& o, double measured_tok_s, double rows_per_step) {
  constexpr double kForSteps = 0.94;  // of the time; evaluations, checkpoints and slow spells take the rest
  Budget b;
  b.minutes = o.tokens > 0 ? 0 : o.minutes;
  b.measured_tok_s = o.tokens > 0 ? 0 : measured_tok_s;
  const double tokens = o.tokens > 0 ? double(o.tokens) : o.minutes * 60 * measured_tok_s * kForSteps;
  b.steps = std::max<int64_t>(1, int64_t(tokens / rows_per_step + 0.5));
  b.tokens = std::llround(double(b.steps) * rows_per_step);
  return b;
}

std::string run_fingerprint(const std::string& model_json, const RunConfig& c) {
  const TrainOptions& t = c.train;
  std::string text = model_json;
  const auto add = [&text](const auto& value) { text += fmt::format("|{}", value); };
  for (const std::string& path : c.data.text) add(path);
  add(c.data.tokenizer), add(c.data.problem_weight), add(c.data.mask_segments);
  for (const double share : c.data.problem_mix.share) add(share);
  for (const ChainWeight& w : c.data.problem_mix.chains) add(w.family), add(w.weight), add(w.low), add(w.high);
  add(t.sequence_length), add(t.batch_sequences), add(t.micro_batch_sequences), add(t.precision), add(t.moments), add(t.seed);
  for (const double x : {t.lr, t.lr_final, t.warmup, t.decay_from, t.decay_until, t.beta1, t.beta2, t.eps, t.weight_decay, t.clip, t.gamma, t.gamma_decay_from,
                         t.gamma_until, t.balance_alpha, t.mtp_lambda, t.mtp_lambda_final, t.mtp_switch})
    add(x);
  if (t.mtp_only) add("mtp");
  if (!c.data.chat.empty()) {
    for (const std::vector<std::string>& list : {c.data.chat, c.data.held_out})
      for (const std::string& path : list) add(path);
    add(c.data.held_out_share), add(c.data.long_examples);
  }
  return fmt::format("{:016x}", xxh3_64(text));
}

void store_budget(const std::string& path, const Budget& b, const std::string& fingerprint) {
  const nlohmann::ordered_json j = {
      {"tokens", b.tokens}, {"steps", b.steps}, {"measured_tok_s", b.measured_tok_s}, {"minutes", b.minutes},
      {"finished_steps", b.finished_steps}, {"fingerprint", fingerprint}};
  write_file_atomic(path, j.dump(2) + "\n");
}

std::optional<Budget> stored_budget(const std::string& path, const std::string& fingerprint) {
  if (!file_exists(path)) return std::nullopt;
  try {
    const auto j = nlohmann::json::parse(read_file(path));
    if (j.at("fingerprint").get<std::string>() != fingerprint)
      fail("{}: this folder holds a run with another config; give --fresh to start over, or another --out", path);
    Budget b;
    j.at("tokens").get_to(b.tokens);
    j.at("steps").get_to(b.steps);
    j.at("measured_tok_s").get_to(b.measured_tok_s);
    j.at("minutes").get_to(b.minutes);
    j.at("finished_steps").get_to(b.finished_steps);
    if (b.steps < 1 || b.tokens < 1) fail("{}: the stored budget is empty; give --fresh to start over", path);
    return b;
  } catch (const nlohmann::json::exception& e) {
    fail("{}: damaged ({}); give --fresh to start over", path, e.what());
  }
}

}  // namespace minke
