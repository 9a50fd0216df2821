#include "train/run.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/threads.h"
#include "checkpoint/hf_folder.h"
#include "checkpoint/model_folder.h"
#include "kernels/gemm/gemm.h"
#include "kernels/peak/peak.h"
#include "model/cost.h"
#include "model/score.h"
#include "plan/bill.h"
#include "train/balance.h"
#include "train/budget.h"
#include "train/checkpoints.h"
#include "train/memory_plan.h"
#include "train/metrics.h"
#include "train/prediction.h"
#include "train/screen.h"
#include "train/training_data.h"

namespace minke {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One run, from its folder's state to its end.
class Run {
 public:
  explicit Run(const RunRequest& request)
      : request_(request),
        options_(request.config.train),
        out_(request.config.run.out),
        model_(request.model, options_.recipe(), WeightUse::kTraining),
        data_(request.config.data, options_, request.config.run.eval_tokens),
        step_(model_, options_, request.config.data.mask_segments),
        screen_(request.json) {
    if (data_.vocab_size() > request.model.vocab_size)
      fail("{}: the tokenizer has {} ids, the model's vocab_size is {}; make vocab_size at least as large", request.config.data.tokenizer,
           data_.vocab_size(), request.model.vocab_size);
    if (options_.sequence_length > request.model.max_position_embeddings)
      fail("{}: [train] sequence_length {} is longer than max_position_embeddings {}", request.config_path, options_.sequence_length,
           request.model.max_position_embeddings);
    if (options_.epochs > 0) {
      if (data_.batches().rows_per_epoch() == 0)
        fail("{}: [train] epochs counts passes over [data] chat, which is not there; give tokens or minutes", request.config_path);
      options_.tokens = std::max<int64_t>(1, std::llround(options_.epochs * data_.batches().rows_per_epoch()));
    }
  }

  int run() {
    start();
    if (request_.steps == 0) {
      screen_.say("{} holds the model at step {}", out_, progress_.step);
      return 0;
    }
    if (budget_.finished_steps >= last_step()) {
      screen_.say("{}: this run is finished ({} steps); FRESH=1 or --fresh starts over", out_, budget_.finished_steps);
      return 0;
    }
    if (!request_.dump_batches.empty()) dump_batches(request_.dump_batches, data_, options_, budget_.tokens, last_step() - progress_.step);
    plan_memory_of_run();
    const bool interrupted_early = !loop();
    if (interrupted_early) {
      checkpoint();
      screen_.say("saved at step {}; the same command goes on from here", progress_.step);
      return 130;
    }
    finish();
    return 0;
  }

 private:
  int64_t last_step() const { return request_.steps ? std::min(*request_.steps, budget_.steps) : budget_.steps; }
  double seconds_spent() const { return seconds_before_ + since(began_); }  // by all sessions of the run
  Moments moments() { return {step_.optimizer().moment_dtype(), step_.optimizer().m(), step_.optimizer().v()}; }

  void start() {
    const ParameterCounts counts = count_parameters(request_.model);
    fingerprint_ = run_fingerprint(request_.model.to_json() + request_.init, request_.config);
    budget_path_ = out_ + "/run.json";
    repair_hf_folder(out_);
    // Only what a run wrote is forgotten: save_model() refuses a folder of other things.
    if (request_.fresh && (file_exists(budget_path_) || file_exists(out_ + "/config.json"))) {
      std::error_code none;
      for (const char* name : {"/checkpoints", "/run.json", "/metrics.jsonl"}) std::filesystem::remove_all(out_ + name, none);
    }
    make_folders(out_);
    screen_.say("model    {} parameters, {} active per token{}; {} layers of width {}", human(double(counts.total_params)), human(double(counts.active_params)),
        counts.mtp_params ? fmt::format(", and {} in {} MTP module(s)", human(double(counts.mtp_params)), request_.model.num_nextn_predict_layers) : "",
        request_.model.num_hidden_layers, request_.model.hidden_size);
    peak_gflops_ = peak_gflops(options_.compute(), chosen_isa(), thread_count());
    screen_.say("machine  {}, {} threads, kernels {} ({}), peak {:.0f} GFLOP/s", cpu_model(), thread_count(), isa_name(chosen_isa()), gemm_variant().name,
        peak_gflops_);
    if (!request_.init.empty()) screen_.say("start    {}", request_.init);
    screen_.say("data     {}", data_.summary());

    const std::optional<Budget> stored = stored_budget(budget_path_, fingerprint_);
    if (!stored) {
      if (file_exists(out_ + "/checkpoints"))
        fail("{}: there are checkpoints but no run.json that says which run they belong to; give --fresh to start over, or another --out", out_);
      fresh_weights();
      const auto began = Clock::now();
      save_model(out_, model_, request_.config.data.tokenizer);  // the folder is a model's from the beginning, or refused now
      if (request_.steps == 0) return;
      parts_.checkpoint = since(began) * checkpoint_bytes() / double(counts.stored_bytes);
      budget_ = decide();
    } else {
      budget_ = *stored;
      const bool stated = options_.tokens > 0 || options_.minutes > 0;
      if (stated && decide_budget(options_, budget_.measured_tok_s, data_.batches().rows_per_step()).tokens != budget_.tokens)
        screen_.say("warning  the budget stays as it was decided before step 1; --fresh starts over with another");
    }
    options_.tokens = budget_.tokens;
    if (stored && budget_.finished_steps < last_step()) {
      fresh_weights();
      time_steps(double(options_.tokens));
      resume();
    }
    screen_.say("budget   {} tokens, {} steps of {}{}", human(double(budget_.tokens)), budget_.steps,
        std::llround(data_.batches().rows_per_step()), budget_.minutes > 0 ? fmt::format(": {:g} minutes at {} tokens/s, measured here", budget_.minutes, human(budget_.measured_tok_s)) : "");
  }

  void fresh_weights() {
    if (request_.init.empty())
      initialise(model_, options_.seed);
    else
      read_masters(request_.init, model_);
  }

  Budget decide() {
    if (options_.tokens == 0 && options_.minutes == 0 && !request_.steps)
      usage_fail("{}: how long? Set tokens or minutes in [train], or give --tokens, --minutes or --steps", request_.config_path);
    TrainOptions o = options_;
    const double per_step = data_.batches().rows_per_step();
    if (o.tokens == 0 && o.minutes == 0) o.tokens = std::llround(double(std::max<int64_t>(1, *request_.steps)) * per_step);
    const double tok_s = time_steps(double(o.tokens));
    const Budget budget = decide_budget(o, tok_s, per_step);
    store_budget(budget_path_, budget, fingerprint_);
    return budget;
  }

  // Real steps on the first batch; the weights are fresh before and after. `tokens` of the run: 0 where its minutes are stated.
  double time_steps(double tokens) {
    const std::string position = data_.batches().state();
    const StepBatch first = data_.batches().next();
    const double tok_s = measure_speed(step_, model_, first.view(), tokens / data_.batches().rows_per_step());
    data_.batches().restore(position);
    fresh_weights();
    parts_.step = data_.batches().rows_per_step() / tok_s;
    return tok_s;
  }

  double train_flops() const {
    return train_flops_per_token(request_.model, std::llround(data_.batches().rows_per_sequence()), options_.mtp_lambda > 0);
  }
  double checkpoint_bytes() const {
    const double elements = double(model_.weights().flat_size());
    return double(count_parameters(request_.model).stored_bytes) + elements * double(4 + 2 * dtype_bytes(options_.moment_dtype()));
  }

  void plan_memory_of_run() {
    RunConfig config = request_.config;
    config.train = options_;
    const std::string position = data_.batches().state();
    const StepBatch first = data_.batches().next();
    const HeldOutSets& h = data_.held_out();
    prediction_.peak_bytes = plan_memory(request_.model, config, first.view(), {window_tokens(h.prose), window_tokens(h.problems), answer_windows()}).peak_bytes;
    data_.batches().restore(position);
  }

  // After the evaluation at step 0, which says what evaluations take; a resumed run goes by their FLOPs.
  void predict(double evaluation_seconds) {
    parts_.evaluation = evaluation_seconds;
    prediction_.seconds = seconds_before_ + predicted_seconds(request_.config.run, progress_.step, last_step(), parts_);
    screen_.say("plan     {} ({:.3g} s a step, {:.2g} s an evaluation, {:.2g} s a checkpoint); peak memory {:.0f} MiB (minke plan memory)",
                clock_time(prediction_.seconds), parts_.step, parts_.evaluation, parts_.checkpoint, double(prediction_.peak_bytes) / (1 << 20));
  }

  double evaluation_by_flops() const {
    const HeldOutSets& h = data_.held_out();
    const double rows = double(h.prose.tokens + h.problems.tokens + h.answers.rows());
    const double forward = forward_flops_per_token(request_.model, std::llround(data_.batches().rows_per_sequence()), false);
    return rows * forward / train_flops() * parts_.step / data_.batches().rows_per_step();
  }

  void resume() {
    const auto began = Clock::now();
    const std::optional<Restored> restored = restore_latest(out_, model_, moments());
    parts_.checkpoint = since(began);  // it is read about as fast as written
    if (!restored) return;  // stopped before its first checkpoint: the weights are fresh
    const StateFields& f = restored->fields;
    progress_ = read_progress(f, restored->path, &seconds_before_);
    checkpointed_step_ = progress_.step;
    data_.batches().restore(f.text("data", restored->path));
    if (const auto it = f.texts.find("before_prose"); it != f.texts.end()) before_.prose = std::stod(it->second);
    if (const auto it = f.texts.find("before_problems"); it != f.texts.end()) before_.problems = std::stod(it->second);
    if (const auto it = f.texts.find("before_answers"); it != f.texts.end()) before_.answers = std::stod(it->second);
    if (const std::string warning = machine_change(f, restored->path); !warning.empty()) screen_.say("{}", warning);
    screen_.say("resumed  {} at step {}", restored->path, progress_.step);
  }

  void checkpoint() {
    if (checkpointed_step_ == progress_.step) return;
    StateFields f = run_fields(progress_, seconds_spent());
    f.texts["data"] = data_.batches().state();
    if (before_.prose) f.texts["before_prose"] = fmt::format("{}", *before_.prose);
    if (before_.problems) f.texts["before_problems"] = fmt::format("{}", *before_.problems);
    if (before_.answers) f.texts["before_answers"] = fmt::format("{}", *before_.answers);
    save_checkpoint(out_, progress_.step, model_, request_.config.data.tokenizer, moments(), f, request_.config.run.keep_checkpoints);
    last_checkpoint_ = Clock::now();
    checkpointed_step_ = progress_.step;
  }

  HeldOut evaluate() {
    const auto bits = [&](const EvalSet& set) -> std::optional<double> {
      if (set.windows.empty()) return std::nullopt;
      const Score score = score_windows(model_, window_tokens(set), [] { return interrupted(); });
      if (interrupted()) return std::nullopt;
      return score.nll / std::log(2.0) / double(set.bytes);
    };
    return {bits(data_.held_out().prose), bits(data_.held_out().problems), answer_loss()};
  }

  std::vector<std::vector<int32_t>> answer_windows() const {
    const SftExamples& e = data_.held_out().answers;
    std::vector<std::vector<int32_t>> windows;
    for (size_t i = 0; i < e.size(); ++i) windows.emplace_back(e.ids(i).begin(), e.ids(i).end());
    return windows;
  }

  // Nats per token of the held-out answers.
  std::optional<double> answer_loss() {
    const SftExamples& e = data_.held_out().answers;
    if (e.size() == 0) return std::nullopt;
    const Score score = score_windows(model_, answer_windows(), [] { return interrupted(); }, {e.prompt.begin(), e.prompt.end()});
    if (interrupted()) return std::nullopt;
    return score.nll / double(score.tokens);
  }

  // False when interrupted.
  bool loop() {
    const RunOptions& r = request_.config.run;
    const double flops = train_flops();
    const int64_t first_step = progress_.step + 1;
    last_checkpoint_ = last_eval_ = began_ = Clock::now();
    metrics_ = std::make_unique<Metrics>(out_ + "/metrics.jsonl", progress_.step);
    if (progress_.step == 0) {
      before_ = evaluate();
      screen_.say("before   {}", describe(before_));
      predict(since(began_));
    } else {
      predict(evaluation_by_flops());
    }
    while (progress_.step < last_step()) {
      if (interrupted()) return false;
      const auto begin = Clock::now();
      const StepBatch batch = data_.batches().next();
      const double done = double(progress_.tokens) / double(budget_.tokens);
      const StepReport report = step_.run(batch.view(), scheduled(options_, done), progress_);
      const double seconds = since(begin), tok_s = double(batch.view().rows()) / seconds;
      average_ = average_ == 0 ? tok_s : 0.9 * average_ + 0.1 * tok_s;
      if (report.skipped) on_skipped(report);

      HeldOut now;
      const bool last = progress_.step == last_step();
      const bool due = r.eval_every > 0 ? progress_.step % r.eval_every == 0 : since(last_eval_) >= r.eval_seconds;
      const bool measured = due && !last;
      if (measured) {
        now = evaluate();
        last_eval_ = Clock::now();
      }
      const double share = average_ * flops / 1e9 / peak_gflops_;
      metrics_->write({progress_, report, measured ? &now : nullptr, batch.answer_tokens > 0 ? int64_t(batch.lengths.size()) : 0, batch.answer_tokens, tok_s,
                       tok_s * flops / 1e9 / peak_gflops_, resident_bytes(), seconds_spent(), last || progress_.step == first_step ? &prediction_ : nullptr,
                       process_memory().use().peak});
      const double left = double(last_step() - progress_.step) * data_.batches().rows_per_step() / average_;
      screen_.step({progress_.step, last_step(), report, average_, share, left}, measured ? &now : nullptr);
      const bool save = r.checkpoint_every > 0 ? progress_.step % r.checkpoint_every == 0 : since(last_checkpoint_) >= r.checkpoint_minutes * 60;
      if (save && !last) checkpoint();
    }
    return true;
  }

  void on_skipped(const StepReport& report) {
    screen_.say("step {}: skipped, {} ({} skipped so far)", progress_.step, report.why, progress_.skipped);
    if (progress_.skipped_in_a_row < options_.max_skipped) return;
    fail("{} steps in a row were not finite (the last: {}). The last good checkpoint is {}; a lower lr may help", progress_.skipped_in_a_row, report.why,
         checkpointed_step_ > 0 ? fmt::format("{}/checkpoints/step-{:08d}", out_, checkpointed_step_) : "the beginning");
  }

  void finish() {
    const double seconds = seconds_spent();
    checkpoint();
    save_model(out_, model_, request_.config.data.tokenizer);
    budget_.finished_steps = progress_.step;
    store_budget(budget_path_, budget_, fingerprint_);
    const HeldOut after = evaluate();
    const int64_t peak_bytes = process_memory().use().peak;
    const Bill bill{double(progress_.tokens), double(progress_.tokens) * train_flops(), seconds, double(thread_count()), request_.config.run.price_per_core_hour,
                    peak_gflops_ * 1e9};
    if (request_.json) {
      nlohmann::ordered_json j = {{"steps", progress_.step},   {"tokens", progress_.tokens}, {"seconds", seconds},
                                  {"tok_s", double(progress_.tokens) / seconds}, {"skipped", progress_.skipped}, {"dollars", bill.dollars()},
                                  {"peak_rss_bytes", peak_resident_bytes()}, {"peak_bytes", peak_bytes}, {"predicted_seconds", prediction_.seconds},
                                  {"predicted_peak_bytes", prediction_.peak_bytes}, {"bill", bill.json()}, {"out", out_}};
      const auto add = [&](const char* name, const HeldOut& h) {
        j[name] = nlohmann::ordered_json::object();
        if (h.prose) j[name]["prose"] = *h.prose;
        if (h.problems) j[name]["problems"] = *h.problems;
      };
      if (request_.config.data.chat.empty()) {
        add("bpb_before", before_);
        add("bpb_after", after);
      } else {
        j["sft_loss_before"] = before_.answers ? nlohmann::ordered_json(*before_.answers) : nullptr;
        j["sft_loss_after"] = after.answers ? nlohmann::ordered_json(*after.answers) : nullptr;
        j["epochs"] = double(progress_.tokens) / data_.batches().rows_per_epoch();
      }
      std::printf("%s\n", j.dump().c_str());
      return;
    }
    if (before_.prose || before_.problems || before_.answers) screen_.say("before   {}", describe(before_));
    screen_.say("after    {}", describe(after));
    screen_.say("spent    {} tokens in {}; peak memory {:.0f} MiB, {:.0f} of them what a plan counts", human(double(progress_.tokens)), clock_time(seconds),
                double(peak_resident_bytes()) / (1 << 20), double(peak_bytes) / (1 << 20));
    screen_.say("plan     was {} and {:.0f} MiB: {:+.1f}% off in time, {:+.1f}% in memory", clock_time(prediction_.seconds), double(prediction_.peak_bytes) / (1 << 20),
                100 * off_by(prediction_.seconds, seconds), 100 * off_by(double(prediction_.peak_bytes), double(peak_bytes)));
    screen_.say("{}", bill.text());
    screen_.say("model    {} (opens in transformers, vLLM and minke {})", out_, request_.config.data.chat.empty() ? "generate" : "chat");
  }

  const RunRequest& request_;
  TrainOptions options_;
  std::string out_;
  Transformer model_;
  TrainingData data_;
  TrainStep step_;
  Progress progress_;
  Budget budget_;
  std::string budget_path_, fingerprint_;
  std::unique_ptr<Metrics> metrics_;
  HeldOut before_;
  PartTimes parts_;
  Prediction prediction_;
  Screen screen_;
  double peak_gflops_ = 0, average_ = 0, seconds_before_ = 0;
  int64_t checkpointed_step_ = -1;
  Clock::time_point began_ = Clock::now(), last_checkpoint_, last_eval_;
};

}  // namespace

int run_training(const RunRequest& request) {
  catch_interrupts();
  return Run(request).run();
}

}  // namespace minke
