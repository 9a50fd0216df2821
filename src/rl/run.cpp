#include "rl/run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/cpu.h"
#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "checkpoint/hf_folder.h"
#include "checkpoint/model_folder.h"
#include "dial/profile.h"
#include "eval/task_eval.h"
#include "kernels/peak/peak.h"
#include "plan/bill.h"
#include "rl/learner.h"
#include "rl/step_metrics.h"
#include "train/checkpoints.h"
#include "train/metrics.h"
#include "train/screen.h"

namespace minke {
namespace {

constexpr size_t kMostLevels = 64;  // more than a line of metrics.jsonl tells apart

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// OUT/run.json: whose run this is and whether it has ended.
struct RunFile {
  std::string fingerprint;
  int64_t finished_steps = 0;  // 0: it goes on
};

void store(const std::string& path, const RunFile& r) {
  write_file_atomic(path, Json{{"kind", "rl"}, {"finished_steps", r.finished_steps}, {"fingerprint", r.fingerprint}}.dump(2) + "\n");
}

std::optional<RunFile> stored(const std::string& path, const std::string& fingerprint) {
  if (!file_exists(path)) return std::nullopt;
  try {
    const auto j = nlohmann::json::parse(read_file(path));
    RunFile r;
    j.at("fingerprint").get_to(r.fingerprint);
    if (r.fingerprint != fingerprint) fail("{}: this folder holds a run with another config; give --fresh to start over, or another --out", path);
    j.at("finished_steps").get_to(r.finished_steps);
    return r;
  } catch (const nlohmann::json::exception& e) {
    fail("{}: damaged ({}); give --fresh to start over", path, e.what());
  }
}

std::string points(const TaskSummary& s) {
  return fmt::format("{:.1f}% [{:.1f}, {:.1f}] of {} held-out problems, {:.0f} tokens an answer", 100 * s.pass1, 100 * s.ci95.low, 100 * s.ci95.high, s.n,
                     s.mean_tokens);
}

Json scores(const TaskSummary& s) { return {{"pass1", s.pass1}, {"ci95", {s.ci95.low, s.ci95.high}}, {"n", s.n}, {"mean_tokens", s.mean_tokens}}; }

class Run {
 public:
  explicit Run(const RlRequest& request)
      : request_(request),
        c_(request.config),
        out_(c_.run.out),
        tokenizer_folder_(c_.tokenizer.empty() ? c_.model : c_.tokenizer),
        tokenizer_(Tokenizer::load(tokenizer_folder_)),
        model_(load_model(c_.model, c_.rl.precision, WeightUse::kTraining)),
        learner_(*model_, tokenizer_, c_),
        screen_(request.json) {
    if (tokenizer_.vocab_size() > model_->config().vocab_size)
      fail("{}: the tokenizer has {} ids, the model's vocab_size is {}; is this the model's own tokenizer?", tokenizer_folder_, tokenizer_.vocab_size(),
           model_->config().vocab_size);
    stale_from_the_start_ = has_stale_mtp(c_.model);
    if (c_.rl.mtp_lambda > 0 && model_->mtp_depth() == 0) fail("{}[rl] mtp_lambda: the model has no MTP modules to train, expected 0", where());
    if (c_.rl.steps == 0 && c_.rl.minutes == 0 && !request.steps)
      usage_fail("{}how long? Set steps or minutes in [rl], or give --steps or --minutes", where());
  }

  RlResult run() {
    if (!start()) {
      result_.end = RlEnd::kWasFinished;
      result_.steps = run_file_.finished_steps;
      return result_;
    }
    result_.end = loop();
    checkpoint();
    result_.steps = progress_.step;
    result_.tokens = progress_.tokens;
    if (result_.end == RlEnd::kInterrupted) {
      result_.seconds = seconds_spent();
      screen_.say("saved at step {}; the same command goes on from here", progress_.step);
      return result_;
    }
    finish();
    return result_;
  }

 private:
  std::string where() const { return request_.config_path.empty() ? "" : request_.config_path + ": "; }
  int64_t last_step() const { return request_.steps ? *request_.steps : c_.rl.steps; }  // 0: time ends it
  double seconds_spent() const { return seconds_before_ + since(began_); }
  Moments moments() { return {learner_.optimizer().moment_dtype(), learner_.optimizer().m(), learner_.optimizer().v()}; }
  // MTP modules that drafted for the old policy do not know the new one.
  bool stale() const { return model_->mtp_depth() > 0 && (stale_from_the_start_ || (c_.rl.mtp_lambda == 0 && progress_.updates > 0)); }

  // False: the folder holds this run, finished.
  bool start() {
    run_path_ = out_ + "/run.json";
    if (std::filesystem::weakly_canonical(out_) == std::filesystem::weakly_canonical(c_.model))
      fail("{}[run] out: {} is the folder of the model to start from; choose another", where(), out_);
    repair_hf_folder(out_);
    if (request_.fresh && (file_exists(run_path_) || file_exists(out_ + "/config.json"))) {
      std::error_code none;
      for (const char* name : {"/checkpoints", "/run.json", "/metrics.jsonl"}) std::filesystem::remove_all(out_ + name, none);
    }
    make_folders(out_);
    const std::string fingerprint = c_.fingerprint();
    const std::optional<RunFile> there = stored(run_path_, fingerprint);
    run_file_ = there.value_or(RunFile{fingerprint, 0});
    if (run_file_.finished_steps > 0 && (last_step() == 0 || run_file_.finished_steps >= last_step())) {
      screen_.say("{}: this run is finished ({} steps); --fresh starts over", out_, run_file_.finished_steps);
      return false;
    }
    if (!there && file_exists(out_ + "/checkpoints"))
      fail("{}: there are checkpoints but no run.json that says which run they belong to; give --fresh to start over, or another --out", out_);

    const ParameterCounts counts = count_parameters(model_->config());
    screen_.say("model    {}: {} parameters, {} active per token, {}", c_.model, human(double(counts.total_params)), human(double(counts.active_params)),
                dtype_info(model_->compute()).name);
    peak_gflops_ = peak_gflops(model_->compute(), chosen_isa(), thread_count());
    screen_.say("machine  {}, {} threads, kernels {}, peak {:.0f} GFLOP/s", cpu_model(), thread_count(), isa_name(chosen_isa()), peak_gflops_);
    const GrpoOptions& g = c_.rl.grpo;
    screen_.say("rl       {}; {} problems x {} samples a step, at most {} tokens of thought and {} of answer", learner_.problems().summary(), g.prompts,
                g.samples, c_.rl.limits.think_max, c_.rl.limits.answer_tokens);
    for (const ProblemSource& s : learner_.problems().sources())
      if (const std::string what = s.passed_over(); !what.empty()) screen_.say("problems {}: {}", s.name(), what);
    self_test();
    check_cache();
    held_out_ = learner_.problems().held_out(parse_split(c_.run.eval_split), c_.rl.seed, c_.run.eval_problems, request_.held_out_at_most);
    if (!there) {
      save(out_);  // the folder is a model's from the beginning, or refused now
      store(run_path_, run_file_);
    } else {
      resume();
    }
    return true;
  }

  void self_test() {
    constexpr uint64_t kProblems = 16;
    std::vector<Problem> problems;
    for (uint64_t i = 0; i < kProblems; ++i) problems.push_back(learner_.problems().at(i));
    const int64_t ungradable = learner_.rewarder().self_test(problems);
    screen_.say("grader   knows right from wrong on {} problems{}", kProblems,
                ungradable ? fmt::format("; {} golds cannot be read and are left out", ungradable) : "");
  }

  // Says when a rollout's cache is more than the memory stated for it, or than the machine has.
  void check_cache() {
    const RlOptions& rl = c_.rl;
    const bool latent = rl.cache == CacheForm::kLatent;
    const int64_t budget = rl.cache_mib > 0 ? rl.cache_mib << 20 : memory_bytes();
    const Learner::CacheNeed need = learner_.cache_need(rl.cache), small = learner_.cache_need(CacheForm::kLatent);
    const auto mib = [](int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; };
    const auto takes = [&](int64_t own, int64_t in_latent) {
      return fmt::format("up to {} MiB in the {} cache{}", mib(own), latent ? "latent" : "expanded",
                         latent ? "" : fmt::format(" ({} with cache = \"latent\")", mib(in_latent)));
    };
    if (rl.cache_mib > 0 && need.sequence > budget)
      fail("{}[rl] cache_mib: one sequence takes {}, found {}", where(), takes(need.sequence, small.sequence), rl.cache_mib);
    if (need.rollout > budget)
      screen_.say("cache    a rollout takes {}; {}", takes(need.rollout, small.rollout),
                  rl.cache_mib > 0 ? fmt::format("cache_mib is {}: sequences wait their turn", rl.cache_mib)
                                   : fmt::format("this machine has {} MiB, cache_mib sets a limit", mib(budget)));
  }

  void save(const std::string& folder) {
    save_model(folder, *model_, tokenizer_folder_, stale());
    carry_effort(folder);
  }

  void resume() {
    const std::optional<Restored> restored =
        restore_latest(out_, *model_, moments(), [&](const std::string& folder) {
          if (learner_.reference()) learner_.reference()->load(folder);
        });
    if (!restored) return;  // stopped before its first checkpoint
    const StateFields& f = restored->fields;
    const std::string& path = restored->path;
    progress_ = read_progress(f, path, &seconds_before_);
    checkpointed_step_ = progress_.step;
    learner_.position = uint64_t(f.integer("problem", path));
    flat_steps_ = f.integer("flat_steps", path);
    if (const auto flop = f.integers.find("megaflop"); flop != f.integers.end()) flop_ = double(flop->second) * 1e6;  // older checkpoints: the bill begins here
    if (Curriculum* c = learner_.problems().curriculum()) c->restore(f.text("curriculum", path), path);
    if (const auto before = f.texts.find("before"); before != f.texts.end()) {
      const Json j = parse_json(before->second, path);
      TaskSummary& s = result_.before.emplace();
      s.pass1 = j.at("pass1"), s.ci95 = {j.at("ci95")[0], j.at("ci95")[1]}, s.n = j.at("n"), s.mean_tokens = j.at("mean_tokens");
    }
    if (const std::string warning = machine_change(f, path); !warning.empty()) screen_.say("{}", warning);
    screen_.say("resumed  {} at step {}", path, progress_.step);
  }

  // The dial's file goes along, without what was calibrated on the weights before.
  void carry_effort(const std::string& folder) const {
    if (!file_exists(c_.model + "/" + kEffortFile)) return;
    const EffortProfile profile = EffortProfile::load(c_.model, model_->config().max_position_embeddings);
    write_file_atomic(folder + "/" + kEffortFile, profile.uncalibrated().json());
  }

  void checkpoint() {
    if (checkpointed_step_ == progress_.step) return;
    StateFields f = run_fields(progress_, seconds_spent());
    f.integers["problem"] = int64_t(learner_.position);
    f.integers["flat_steps"] = flat_steps_;
    f.integers["megaflop"] = int64_t(flop_ / 1e6);
    if (const Curriculum* c = learner_.problems().curriculum()) f.texts["curriculum"] = c->state();
    if (result_.before) f.texts["before"] = scores(*result_.before).dump();
    save_checkpoint(out_, progress_.step, *model_, tokenizer_folder_, moments(), f, c_.run.keep_checkpoints, [&](const std::string& folder) {
      if (learner_.reference()) learner_.reference()->save(folder);
    }, stale());
    last_checkpoint_ = Clock::now();
    checkpointed_step_ = progress_.step;
  }

  // nullopt when interrupted.
  std::optional<RlEvaluation> evaluate() {
    TaskEvalOptions o;
    o.samples = c_.run.eval_samples;
    o.seed = c_.rl.seed;
    o.temperature = c_.run.eval_temperature;
    o.top_p = c_.run.eval_top_p;
    o.max_tokens = std::max(c_.rl.limits.max_completion(), c_.rl.limits.think_max + TaskEvalOptions::kAnswerRoom);
    o.think_cap = c_.rl.limits.think_max;
    if (c_.rl.paced == 1 && !c_.rl.pace.empty()) {
      o.effort = parse_effort(c_.rl.pace);
      o.profile.full_budget = c_.rl.limits.think_max;
      o.profile.tag = true;
    }
    o.mode = GradeMode::kStrict;
    o.cache = c_.rl.cache;
    std::unique_ptr<CommandGrader> grader;
    if (c_.reward.kind == RewardKind::kCommand) {
      grader = std::make_unique<CommandGrader>(c_.reward.command, c_.reward.command_timeout);
      o.grader = grader.get();
    }
    TaskEvalHooks hooks;
    hooks.stop = [] { return interrupted(); };
    RlEvaluation e;
    e.rows = evaluate_task(*model_, tokenizer_, held_out_, o, hooks);
    if (interrupted()) return std::nullopt;
    e.summary = summarise(e.rows);
    for (size_t i = 0; i < e.rows.size(); ++i) {
      std::optional<RlExample>& example = e.rows[i].correct ? e.solved : e.unsolved;
      const Problem& problem = held_out_[i / size_t(o.samples)];
      if (!example) example = {problem.prompt, e.rows[i].text, problem.gold};
    }
    e.step = progress_.step;
    e.seconds = seconds_spent();
    e.seconds_left = seconds_left();
    e.tokens = progress_.tokens;
    last_eval_ = Clock::now();
    if (request_.on_evaluation)
      request_.on_evaluation(e);
    else
      screen_.say("step {:<5}{}", progress_.step, points(e.summary));
    return e;
  }

  double seconds_left() const {
    double left = std::numeric_limits<double>::infinity();
    const double spent = seconds_spent();
    if (c_.rl.minutes > 0) left = std::max(0.0, c_.rl.minutes * 60 - spent);
    if (last_step() > 0 && progress_.step > 0) left = std::min(left, spent / double(progress_.step) * double(last_step() - progress_.step));
    return std::isfinite(left) ? left : 0;
  }

  bool budget_spent() const {
    return (last_step() > 0 && progress_.step >= last_step()) || (c_.rl.minutes > 0 && seconds_spent() >= c_.rl.minutes * 60);
  }

  RlEnd loop() {
    began_ = last_checkpoint_ = last_eval_ = Clock::now();
    metrics_ = std::make_unique<Metrics>(out_ + "/metrics.jsonl", progress_.step);
    if (progress_.step == 0) {
      const std::optional<RlEvaluation> before = evaluate();
      if (!before) return RlEnd::kInterrupted;
      result_.before = before->summary;
      write_metrics(Json::object(), &*before);
    }
    while (!budget_spent()) {
      RlStepReport report;
      if (interrupted() || !learner_.step(progress_, report, [] { return interrupted(); })) return RlEnd::kInterrupted;
      flop_ += step_flop(report, model_->config(), c_.rl.mtp_lambda > 0);
      const RewardSummary rewards = summarise(report.groups);
      Json line = step_metrics(report, rewards, *model_, learner_.problems().curriculum());
      line["skipped"] = progress_.skipped;
      std::optional<RlEvaluation> now;
      const bool due = c_.run.eval_every > 0 ? progress_.step % c_.run.eval_every == 0 : since(last_eval_) >= c_.run.eval_seconds;
      if (due && !budget_spent()) now = evaluate();
      write_metrics(std::move(line), now ? &*now : nullptr);
      show(report, rewards);
      if (!report.skipped.empty()) on_skipped(report);
      if (flat_steps_ = rewards.no_variance() ? flat_steps_ + 1 : 0; flat_steps_ >= c_.rl.patience) {
        if (rewards.accuracy() >= c_.rl.mastered) {
          screen_.say("mastered {:.1f}% right and every group of one mind for {} steps: nothing is left to learn at this level", 100 * rewards.accuracy(),
                      flat_steps_);
          return RlEnd::kMastered;
        }
        on_flat(rewards);
      }
      const bool save_now =
          c_.run.checkpoint_every > 0 ? progress_.step % c_.run.checkpoint_every == 0 : since(last_checkpoint_) >= c_.run.checkpoint_minutes * 60;
      if (save_now && !budget_spent()) checkpoint();
    }
    return RlEnd::kBudget;
  }

  void write_metrics(Json values, const RlEvaluation* look) {
    Json line = {{"step", progress_.step}, {"tokens", progress_.tokens}};
    line.update(values);
    if (look) {
      const TaskSummary* val = &look->summary;
      line["val/pass1"] = val->pass1;
      line["val/ci95"] = {val->ci95.low, val->ci95.high};
      for (const auto& [k, v] : val->pass_k) line[fmt::format("val/pass{}", k)] = v;
      for (const auto& [k, v] : val->cons_k)
        if (k > 1) line[fmt::format("val/maj{}", k)] = v;
      line["val/n"] = val->n;
      line["val/tokens"] = val->mean_tokens;
      line["val/abstain"] = val->abstained;
      const std::vector<TaskSummary> levels = summarise_levels(look->rows);
      for (const TaskSummary& s : levels) {
        if (levels.size() == 1 || levels.size() > kMostLevels) break;
        std::string name = s.family;
        if (std::count_if(levels.begin(), levels.end(), [&](const TaskSummary& t) { return t.family == s.family && t.group == s.group; }) > 1) name += fmt::format("/{}", s.level);
        if (!s.group.empty()) name += "/" + s.group;
        line["val/pass1/" + name] = s.pass1;
        line["val/ci95/" + name] = {s.ci95.low, s.ci95.high};
      }
    }
    line["time/total"] = seconds_spent();
    line["time/threads"] = thread_count();
    metrics_->write_line(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  void show(const RlStepReport& report, const RewardSummary& r) {
    if (c_.rl.cache == CacheForm::kExpanded && report.logp_diff_max != 0 && !std::exchange(warned_, true))
      screen_.say("warning  sampling and training differ by {:.3g} in a log-probability; they should agree to the bit", report.logp_diff_max);
    if (c_.run.show_seconds > 0 && (progress_.step == 1 || since(last_shown_) >= c_.run.show_seconds)) {
      last_shown_ = Clock::now();
      screen_.say("sample   {}", shown_sample(report.groups));
    }
    const std::string of = last_step() > 0 ? fmt::format("/{}", last_step()) : "";
    screen_.progress(progress_.step,
                     fmt::format("step {}{}  reward {:+.3f}  right {:.0f}%  {:.0f} tokens  no variance {:.0f}%  rollout {:.1f}s {} tok/s  reward {:.2f}s  "
                                 "train {:.1f}s  {} left",
                                 progress_.step, of, r.mean, 100 * r.accuracy(), r.len,
                                 100 * double(r.zero_right + r.zero_wrong) / double(std::max<int64_t>(1, r.groups)), report.rollout_s,
                                 human(double(report.sampled_tokens) / std::max(report.rollout_s, 1e-9)), report.reward_s,
                                 report.train_s + report.reference_s, clock_time(seconds_left())));
  }

  void on_skipped(const RlStepReport& report) {
    screen_.say("step {}: an update was skipped, {} ({} so far)", progress_.step, report.skipped, progress_.skipped);
    if (progress_.skipped_in_a_row < c_.rl.adamw.max_skipped) return;
    fail("{} updates in a row were not finite (the last: {}). The last good checkpoint is {}; a lower lr may help", progress_.skipped_in_a_row,
         report.skipped, checkpointed_step_ > 0 ? fmt::format("{}/checkpoints/step-{:08d}", out_, checkpointed_step_) : "the beginning");
  }

  void on_flat(const RewardSummary& r) {
    checkpoint();
    const char* hint = r.right == 0 ? "the model never answers right: begin with a longer cold start or an easier level"
                                    : "the samples of a group are always of one mind: try other problems or a higher temperature";
    fail("the reward was constant in every group for {} steps ({:.0f}% right, mean reward {:.3g}), so there is nothing to learn from: {}. Saved at step {}",
         flat_steps_, 100 * r.accuracy(), r.mean, hint, progress_.step);
  }

  void finish() {
    save(out_);
    run_file_.finished_steps = progress_.step;
    store(run_path_, run_file_);
    const std::optional<RlEvaluation> after = evaluate();
    if (after) {
      result_.after = after->summary;
      write_metrics(Json::object(), &*after);
    }
    result_.seconds = seconds_spent();
    result_.bill = {double(progress_.tokens), flop_, result_.seconds, double(thread_count()), c_.run.price_per_core_hour, peak_gflops_ * 1e9};
    if (request_.quiet_end) return;
    if (request_.json) {
      Json j = {{"steps", progress_.step}, {"tokens", progress_.tokens}, {"seconds", result_.seconds}, {"skipped", progress_.skipped},
                {"dollars", result_.bill.dollars()}, {"peak_rss_bytes", peak_resident_bytes()}, {"bill", result_.bill.json()}, {"out", out_}};
      if (result_.before) j["before"] = scores(*result_.before);
      if (result_.after) j["after"] = scores(*result_.after);
      std::printf("%s\n", j.dump().c_str());
      return;
    }
    if (result_.before) screen_.say("before   {}", points(*result_.before));
    if (result_.after) screen_.say("after    {}", points(*result_.after));
    screen_.say("spent    {} sampled tokens in {}; peak memory {:.0f} MiB", human(double(progress_.tokens)), clock_time(result_.seconds),
                double(peak_resident_bytes()) / (1 << 20));
    screen_.say("{}", result_.bill.text());
    screen_.say("model    {}{}", out_, stale() ? " (its MTP modules are as before the run: config.json says so)" : "");
  }

  const RlRequest& request_;
  const RlConfig& c_;
  std::string out_, tokenizer_folder_, run_path_;
  Tokenizer tokenizer_;
  std::unique_ptr<Transformer> model_;
  Learner learner_;
  Screen screen_;
  Progress progress_;
  RunFile run_file_;
  RlResult result_;
  std::vector<Problem> held_out_;
  std::unique_ptr<Metrics> metrics_;
  double seconds_before_ = 0, peak_gflops_ = 0, flop_ = 0;
  int64_t checkpointed_step_ = -1, flat_steps_ = 0;
  bool warned_ = false, stale_from_the_start_ = false;
  Clock::time_point began_ = Clock::now(), last_checkpoint_, last_eval_, last_shown_;
};

}  // namespace

RlResult run_rl(const RlRequest& request) {
  catch_interrupts();
  return Run(request).run();
}

}  // namespace minke
