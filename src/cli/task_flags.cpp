#include "cli/task_flags.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/model_path.h"

namespace minke {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string file_hash(const std::string& path) {
  const MappedFile file(path);
  return fmt::format("{:016x}", xxh3_64(file.text()));
}

// Of all that decides what a model says: its config, weights and tokenizer.
std::string model_hash(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "config.json" || name == "tokenizer.json" || name.ends_with(".safetensors")) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::string all;
  for (const std::string& f : files) all += std::filesystem::path(f).filename().string() + " " + file_hash(f) + "\n";
  return fmt::format("{:016x}", xxh3_64(all));
}

}  // namespace

CLI::Option* TaskFlags::add(CLI::App& c) {
  c.add_option("model", model, kModelHelp);
  auto* t = c.add_option("--task", problems.task, "a family (countdown-a3, expressions-b3, ...), gsm8k, svamp or math500, or a .jsonl file of {\"prompt\", \"answer\"}");
  c.add_option("--data", problems.data, "the file of gsm8k, svamp or math500")->needs(t);
  c.add_flag("--skip-bad", problems.skip_bad, "pass over malformed lines of a file and count them")->needs(t);
  c.add_option("--level", problems.level, "one level of the task; without it all of them evenly")->needs(t)->check(CLI::PositiveNumber);
  c.add_option_function<int64_t>("--n", [this](const int64_t& given) { n = given, n_given = true; }, "problems; without it as many as a small file holds")->needs(t)->check(CLI::PositiveNumber)->default_str(std::to_string(n));
  c.add_option("--samples", options.samples, "answers to each")->needs(t)->check(CLI::PositiveNumber)->capture_default_str();
  c.add_option("--seed", options.seed, "which problems are drawn, and the draws of their answers")->needs(t)->capture_default_str();
  c.add_option("--temperature", options.temperature, "0 takes the likeliest token")->needs(t)->capture_default_str();
  c.add_option("--top-p", options.top_p, "keep the likeliest tokens that reach this probability")->needs(t)->capture_default_str();
  c.add_option_function<int64_t>("--max-tokens", [this](const int64_t& given) { options.max_tokens = given, max_tokens_given = true; }, "of an answer, its thinking included; with --effort after it")
      ->needs(t)
      ->default_str(std::to_string(options.max_tokens));
  c.add_option("--cap", options.think_cap, "force the end of thinking after so many tokens; 0: never")->needs(t)->capture_default_str();
  c.add_flag("--no-think", no_think, "ask for the answer without thinking")->needs(t);
  c.add_option("--grade", grade, "strict (as rewards are given) or lenient")->needs(t)->check(CLI::IsMember({"strict", "lenient"}))->capture_default_str();
  c.add_option("--grader", grader, "a command of your own that grades (docs/grader.md)")->needs(t);
  c.add_option("--cache", cache, "expanded (the training forward, bit for bit) or latent (small)")
      ->needs(t)
      ->check(CLI::IsMember({"latent", "expanded"}))
      ->capture_default_str();
  return t;
}

ProblemSource TaskFlags::source() const {
  ProblemSource source = ProblemSource::open(problems);
  if (const std::string what = source.passed_over(); !what.empty()) std::fprintf(stderr, "%s\n", what.c_str());
  return source;
}

int64_t TaskFlags::count(const ProblemSource& source, Split split) const {
  const std::optional<int64_t> size = source.size(split);
  return n_given || !size ? n : std::min(n, std::max<int64_t>(*size, 1));
}

TaskEvalOptions TaskFlags::settled(CommandGrader* grader_command) const {
  TaskEvalOptions o = options;
  o.thinking = no_think ? Thinking::kOff : Thinking::kOn;
  o.mode = grade == "strict" ? GradeMode::kStrict : GradeMode::kLenient;
  o.cache = cache == "latent" ? CacheForm::kLatent : CacheForm::kExpanded;
  o.grader = grader_command;
  if (effort.given()) o.effort = effort.parsed();
  if (effort.given() && max_tokens_given) o.answer_tokens = o.max_tokens;
  o.validate();
  return o;
}

RowFile::MadeBy TaskFlags::made_by(const char* split) const {
  const bool file = std::filesystem::is_regular_file(problems.task);
  std::string how;  // the effort, and what it is worth with this model
  if (effort.given()) {
    const std::string profile = model + "/" + kEffortFile;
    how = fmt::format("{} {}{}", effort.effort, file_exists(profile) ? file_hash(profile) : "default", options.checker ? "" : " without a checker");
  }
  return {{"model", model_hash(model)},
          {"dtype", dtype},
          {"cache", cache},
          {"task", file ? file_hash(problems.task) : problems.task},
          {"data", problems.data.empty() ? "" : file_hash(problems.data)},
          {"whole", problems.whole ? "yes" : "no"},
          {"level", std::to_string(problems.level)},
          {"split", split},
          {"seed", std::to_string(options.seed)},
          {"temperature", fmt::format("{}", options.temperature)},
          {"top-p", fmt::format("{}", options.top_p)},
          {"max-tokens", std::to_string(options.max_tokens)},
          {"effort", how},
          {"cap", std::to_string(options.think_cap)},
          {"thinking", no_think ? "off" : "on"},
          {"grade", grade},
          {"grader", grader}};
}

std::vector<SampleRow> answer_problems(const TaskFlags& flags, const TaskEvalOptions& options, const std::vector<Problem>& asked, RowFile* file) {
  const Tokenizer tokenizer = Tokenizer::load(flags.model);
  const std::unique_ptr<Transformer> model = load_model(flags.model, flags.dtype, WeightUse::kInference);
  catch_interrupts();

  TaskEvalOptions with_profile = options;
  if (options.effort) with_profile.profile = EffortProfile::load(flags.model, model->config().max_position_embeddings);
  TaskEvalHooks hooks;
  hooks.known = [&](const Problem& p, int64_t sample) -> const SampleRow* {
    if (!file) return nullptr;
    const auto row = file->rows().find({p.id, sample});
    return row == file->rows().end() ? nullptr : &row->second;
  };
  const int64_t total = int64_t(asked.size()) * options.samples;
  int64_t known = 0, ended = 0, right = 0;
  for (const Problem& p : asked)
    for (int64_t s = 0; s < options.samples; ++s) known += hooks.known(p, s) != nullptr;
  const bool terminal = isatty(STDERR_FILENO);
  double shown = 0;
  hooks.on_row = [&](const SampleRow& row) {
    if (file) file->append(row);
    ++ended;
    right += row.correct;
    if (!terminal || seconds() - shown < 0.3) return;
    shown = seconds();
    std::fprintf(stderr, "\r\033[K%lld of %lld answers, %.1f%% of the new ones right", static_cast<long long>(known + ended), static_cast<long long>(total),
                 100.0 * double(right) / double(ended));
  };
  hooks.stop = [] { return interrupted(); };
  std::vector<SampleRow> rows = evaluate_task(*model, tokenizer, asked, with_profile, hooks);
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (known + ended < total) {
    std::fprintf(stderr, "%lld of %lld answers; %s\n", static_cast<long long>(known + ended), static_cast<long long>(total),
                 file ? "the same command goes on from here" : "with --rows FILE the same command would go on from here");
    throw Interrupted();
  }
  return rows;
}

}  // namespace minke
