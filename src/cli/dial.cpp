// `minke dial`: what more thinking is worth with a model, measured. calibrate writes it into the model's folder, curve shows it.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "cli/model_path.h"
#include "dial/calibrate.h"
#include "eval/dial_curve.h"
#include "reason/problem_source.h"

namespace minke {
namespace {

struct DialFlags {
  std::string model, split, save, from, settings, dtype = "auto";
  std::vector<std::string> tasks;
  int64_t n = 500, seed = 1;
  size_t least = 1;  // problems in all
  double temperature = 0.6, top_p = 0.95;
  bool json = false, checker = true;
};

// NAME, NAME:LEVEL or NAME:LEVEL-LEVEL.
std::vector<SourceOptions> sources_of(const std::string& text) {
  const size_t colon = text.rfind(':');
  SourceOptions all;
  all.task = text;
  if (colon == std::string::npos || colon + 1 == text.size() || text.find_first_not_of("0123456789-", colon + 1) != std::string::npos) return {all};
  int from = 0, to = 0, read = 0;
  const std::string levels = text.substr(colon + 1);
  const int fields = std::sscanf(levels.c_str(), "%4d%n-%4d%n", &from, &read, &to, &read);
  if (fields == 1) to = from;
  if (fields < 1 || size_t(read) != levels.size() || from < 1 || to < from) usage_fail("--task {}: expected a level, or two as 2-5, after the colon", text);
  std::vector<SourceOptions> out;
  for (all.task = text.substr(0, colon), all.level = from; all.level <= to; ++all.level) out.push_back(all);
  return out;
}

// n problems of each task, of its levels as evenly as can be.
std::vector<Problem> problems_of(const DialFlags& f) {
  std::vector<Problem> out;
  for (const std::string& task : f.tasks) {
    const std::vector<SourceOptions> sources = sources_of(task);
    for (size_t i = 0; i < sources.size(); ++i) {
      const ProblemSource source = ProblemSource::open(sources[i]);
      if (const std::string what = source.passed_over(); !what.empty()) std::fprintf(stderr, "%s\n", what.c_str());
      const int64_t n = f.n * int64_t(i + 1) / int64_t(sources.size()) - f.n * int64_t(i) / int64_t(sources.size());
      if (n == 0) usage_fail("--n {}: {} has {} levels", f.n, task, sources.size());
      for (Problem& p : source.held_out(parse_split(f.split), uint64_t(f.seed), n)) out.push_back(std::move(p));
    }
  }
  return out;
}

// Recorded samples: of the file --from, or asked.
std::vector<RecordedProblem> records(const DialFlags& f, const EffortProfile& profile, const Transformer& model, Engine& engine) {
  if (!f.from.empty()) return read_records(f.from);
  const Tokenizer tokenizer = Tokenizer::load(f.model);
  AskOptions ask;
  ask.sampler.temperature = f.temperature;
  ask.sampler.top_p = f.top_p;
  ask.sampler.seed = uint64_t(f.seed);
  const std::vector<Problem> problems = problems_of(f);
  if (problems.size() < f.least) usage_fail("--n {}: {} problems in all; expected at least {}, give a larger --n or more --task", f.n, problems.size(), f.least);
  Asker asker(engine, model.config(), tokenizer, profile, ask);
  const size_t total = problems.size() * dial_arms(profile).size();
  size_t ended = 0;
  const bool terminal = isatty(STDERR_FILENO);
  const auto on_arm = [&] {
    ++ended;
    if (terminal && ended % 16 == 0) std::fprintf(stderr, "\r\033[K%zu of %zu questions, %lld samples of each", ended, total, static_cast<long long>(kMostSamples));
  };
  std::vector<RecordedProblem> out = record_samples(asker, problems, {}, on_arm, [] { return interrupted(); });
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (interrupted()) throw Interrupted();
  if (!f.save.empty()) write_records(f.save, out);
  return out;
}

struct Loaded {
  std::unique_ptr<Transformer> model;
  EffortProfile profile;
  std::vector<RecordedProblem> problems;
};

Loaded load(const DialFlags& f) {
  if (f.from.empty() && f.tasks.empty()) usage_fail("on which problems? Give --task NAME[:LEVEL[-LEVEL]], once or several times, or --from FILE");
  if (f.temperature == 0) usage_fail("--temperature 0: samples would all be alike");
  Loaded l;
  l.model = load_model(f.model, f.dtype, WeightUse::kInference);
  l.profile = EffortProfile::load(f.model, l.model->config().max_position_embeddings);
  catch_interrupts();
  Engine engine(*l.model, CacheForm::kExpanded);
  l.problems = records(f, l.profile, *l.model, engine);
  return l;
}

void print_policy(const AutoTable& table, const AutoPolicy& p, bool chosen) {
  std::string path;
  for (size_t i = 0; i < p.path.size();) {
    size_t end = i;
    while (end < p.path.size() && p.path[end] == p.path[i]) ++end;
    path += fmt::format("{}{}", i ? ", " : "", table.arms[p.path[i]].effort);
    if (end - i > 1) path += fmt::format(" x{}", end - i);
    i = end;
  }
  std::printf("%9.2e  %6.1f%%  %7.1f  %s%s\n", p.price, 100 * p.accuracy, p.tokens, path.c_str(), chosen ? "   <- auto" : "");
}

void run_calibrate(const DialFlags& f) {
  Loaded l = load(f);
  const Calibration c = calibrate(l.problems, l.profile);
  l.profile.automatic = c.table;
  l.profile.confident = c.confident;
  l.profile.quorum = c.quorum;
  const std::string path = f.model + "/" + kEffortFile;
  write_file_atomic(path, l.profile.json());
  const AutoPolicy& own = c.table.at(c.table.price);
  if (f.json) {
    std::printf("%s\n", nlohmann::ordered_json{{"file", path}, {"problems", l.problems.size()}, {"confident", c.confident}, {"quorum", c.quorum}, {"price", c.table.price},
                                               {"accuracy", own.accuracy}, {"tokens", own.tokens}, {"policies", c.table.policies.size()}}
                            .dump()
                            .c_str());
    return;
  }
  std::printf("auto by price (accuracy per token), on %zu problems, each with gates that others fitted\n%9s  %7s  %7s  %s\n", l.problems.size(), "price", "right", "tokens",
              "path at most");
  const AutoPolicy* last = nullptr;
  for (const AutoPolicy& p : c.table.policies) {
    if (!last || last->tokens != p.tokens || &p == &own) print_policy(c.table, p, &p == &own);
    last = &p;
  }
  if (c.confident > 0) std::printf("max ends at a first answer with a confidence of %.4f\n", c.confident);
  std::printf("max says ? unless %g of %lld samples agree\n", c.quorum * double(kMostSamples), static_cast<long long>(kMostSamples));
  std::printf("written to %s\n", path.c_str());
}

void run_curve(const DialFlags& f) {
  const Loaded l = load(f);
  const std::vector<CurvePoint> points = dial_curve(l.problems, l.profile, f.checker);
  if (!f.settings.empty()) {
    std::string text = problems_json(l.problems) + "\n";
    for (const CurvePoint& p : points) text += setting_json(p) + "\n";
    for (const CurvePoint& p : dial_rivals(l.problems, l.profile, uint64_t(f.seed))) text += setting_json(p) + "\n";
    write_file_atomic(f.settings, text);
  }
  if (!f.json) std::printf("%-8s %9s  %7s  %-14s %8s  %7s   %zu problems, every token counted\n", "effort", "price", "right", "95% interval", "tokens", "samples", l.problems.size());
  for (const CurvePoint& p : points) {
    if (f.json)
      std::printf("%s\n", curve_json(p, l.problems).c_str());
    else
      std::printf("%-8s %9s  %6.1f%%  [%4.1f, %5.1f]  %8.1f  %7.2f\n", p.setting.c_str(), p.price ? fmt::format("{:.2e}", *p.price).c_str() : "", 100 * p.accuracy,
                  100 * p.ci95.low, 100 * p.ci95.high, p.mean_tokens, p.mean_samples);
  }
  if (!f.json && !l.profile.automatic) std::printf("auto has no table and asks as max does; minke dial calibrate makes one\n");
}

CLI::App* add_common(CLI::App& dial, const char* name, const char* about, const std::shared_ptr<DialFlags>& f, const char* split) {
  auto* c = dial.add_subcommand(name, about);
  f->split = split;
  c->add_option("model", f->model, kModelHelp);
  c->add_option("--task", f->tasks, "a family, with :3 or :2-5 some of its levels, or a .jsonl file; may be given several times")->take_all();
  c->add_option("--n", f->n, "problems of each task, evenly from its levels")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--seed", f->seed, "which problems are drawn, and the draws of their answers")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--split", f->split, "held-out problems: test or calibration")->check(CLI::IsMember({"test", "calibration"}))->capture_default_str();
  c->add_option("--temperature", f->temperature, "of the draws")->check(CLI::Range(0.0, 100.0))->capture_default_str();
  c->add_option("--top-p", f->top_p, "keep the likeliest tokens that reach this probability")->capture_default_str();
  auto* save = c->add_option("--save", f->save, "a file for the samples");
  c->add_option("--from", f->from, "samples that --save kept, instead of asking")->check(CLI::ExistingFile)->excludes(save);
  c->add_option("--dtype", f->dtype, kDtypeHelp)->check(CLI::IsMember(dtype_names()))->capture_default_str();
  return c;
}

}  // namespace

void add_dial(CLI::App& app) {
  auto* dial = app.add_subcommand("dial", "what more thinking is worth: calibrate --effort auto, and draw accuracy against tokens");
  dial->require_subcommand(1);
  auto cf = std::make_shared<DialFlags>();
  cf->least = kLeastProblems;
  auto* calibrate_command = add_common(*dial, "calibrate", "measure what each effort gains, and write minke_effort.json into the model's folder", cf, "calibration");
  calibrate_command->add_flag("--json", cf->json, "one object: file, problems, confident, quorum, price, accuracy, tokens, policies");
  calibrate_command->footer("Example:\n  minke dial calibrate models/default --task digits-b1:2-4 --task expressions-b3:2-5 --task countdown-a3 --n 700");
  calibrate_command->callback([cf] {
    cf->model = model_path(cf->model);
    run_calibrate(*cf);
  });

  auto vf = std::make_shared<DialFlags>();
  auto* curve = add_common(*dial, "curve", "accuracy against tokens of every effort and of auto at six prices", vf, "test");
  curve->add_option("--settings", vf->settings, "a file for right and tokens of every problem, also of all fixed settings and of the control (tools/full/dial.sh)");
  curve->add_flag("!--no-checker", vf->checker, "no checker ends the samples of max and auto, not even Countdown's own");
  curve->add_flag("--json", vf->json, "an object a setting: effort, price, n, accuracy, ci95, tokens, samples, levels");
  curve->footer("Example:\n  minke dial curve models/default --task digits-b1:2-4 --task expressions-b3:4 --n 200 --json");
  curve->callback([vf] {
    vf->model = model_path(vf->model);
    run_curve(*vf);
  });
}

}  // namespace minke
