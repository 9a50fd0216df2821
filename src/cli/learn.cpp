// Problems with answers in, a model that solves more of them out: minke rl with nothing to write but the problems.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/effort_flags.h"
#include "cli/model_path.h"
#include "model/config.h"
#include "reason/pace.h"
#include "rl/run.h"
#include "train/screen.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr int64_t kHeldOut = 512;  // problems an evaluation asks, where there are so many

struct LearnFlags {
  std::string problems, model, out = "out/learn", data, grader;
  double minutes = 10, eval_seconds = 20;
  int64_t level = 0, seed = 1, think = 0;
  bool skip_bad = false, fresh = false, json = false;
  EffortFlags effort;
};

// How long a sample may think: --think, or what --effort means for one sample (while a model learns, each of its samples is an answer). A
// model that knows paces is told the pace of this effort, `high` where none is given.
void limit_thinking(const LearnFlags& f, RlOptions& rl) {
  const EffortProfile profile = EffortProfile::load(f.model, ModelConfig::load(f.model + "/config.json").max_position_embeddings);
  if (f.think > 0) {
    rl.limits.think_max = f.think;
  } else if (f.effort.given() || profile.tag) {
    const int64_t cap = plan_effort(f.effort.given() ? f.effort.parsed() : Effort(), profile).cap;
    if (cap == 0) usage_fail("--effort {}: learning rewards thoughts by their answers; expected some thinking, minimal or more", f.effort.effort);
    const char* tag = effort_tag(cap, profile.full_budget);
    const bool told = profile.tag && cap == pace_budget(find_pace(tag, "--effort"), profile.full_budget);
    rl.limits.think_max = told ? profile.full_budget : cap;
    if (told) rl.paced = 1, rl.pace = tag;
  }
  rl.limits.think_min = std::min(rl.limits.think_min, rl.limits.think_max);
}

Json scores(const TaskSummary& s) { return {{"pass1", s.pass1}, {"ci95", {s.ci95.low, s.ci95.high}}}; }

// A question or an answer in one line, cut to fit.
std::string short_text(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  constexpr size_t kMost = 160;
  if (text.size() <= kMost) return text;
  size_t at = kMost;
  while (at > 0 && (text[at] & 0xC0) == 0x80) --at;  // not inside a character
  return text.substr(0, at) + " ...";
}

void show(const RlEvaluation& e) {
  std::printf("%s  %5.1f%% of %lld held-out problems [%.1f, %.1f]  %.0f tokens an answer  step %lld  %s left\n", clock_time(e.seconds).c_str(), 100 * e.summary.pass1,
              static_cast<long long>(e.summary.n), 100 * e.summary.ci95.low, 100 * e.summary.ci95.high, e.summary.mean_tokens, static_cast<long long>(e.step),
              clock_time(e.seconds_left).c_str());
  const auto example = [](const char* name, const std::optional<RlExample>& x, bool with_gold) {
    if (!x) return;
    std::printf("        %s %s -> %s%s\n", name, short_text(x->prompt).c_str(), short_text(x->text).c_str(),
                with_gold ? fmt::format("   (a right answer is {})", x->gold).c_str() : "");
  };
  example("solved  ", e.solved, false);
  example("unsolved", e.unsolved, true);
  std::fflush(stdout);
}

void run_learn(const LearnFlags& f) {
  if (!file_exists(f.model + "/config.json")) usage_fail("--model {}: no model folder there", f.model);
  RlTask task;
  task.name = f.problems;
  task.level = int(f.level);
  task.data = f.data;
  RlRequest r;
  r.config.model = f.model;
  task.skip_bad = f.skip_bad;
  r.config.tasks = {task};
  if (!f.grader.empty()) {
    r.config.reward.kind = RewardKind::kCommand;
    r.config.reward.command = f.grader;
  }
  // As configs/tiny-rl.toml: a small rate and a KL term, or a policy that is rarely right learns to abstain first, and forgets.
  r.config.reward.wrong_limit = 0.9;
  r.config.rl.grpo.kl = KlEstimator::kK3;
  r.config.rl.grpo.beta = 0.03;
  r.config.rl.lr = 5e-5;
  r.config.rl.minutes = f.minutes;
  r.config.rl.seed = uint64_t(f.seed);
  limit_thinking(f, r.config.rl);
  r.config.run.out = f.out;
  r.config.run.eval_seconds = f.eval_seconds;
  r.config.run.eval_split = "test";
  r.config.run.show_seconds = 0;
  r.config.run.eval_problems = kHeldOut;
  r.held_out_at_most = true;
  r.config.validate("");
  r.fresh = f.fresh;
  r.json = f.json;
  r.quiet_end = true;
  const auto line = [](const Json& j) {
    std::printf("%s\n", j.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  };
  r.on_evaluation = [&](const RlEvaluation& e) {
    if (!f.json) {
      show(e);
      return;
    }
    Json j = {{"step", e.step}, {"seconds", e.seconds}, {"tokens", e.tokens}};
    j.update(scores(e.summary));
    j["n"] = e.summary.n;
    j["mean_tokens"] = e.summary.mean_tokens;
    line(j);
  };
  const RlResult result = run_rl(r);
  if (result.end == RlEnd::kInterrupted) throw Interrupted();
  const double minutes = result.seconds / 60;
  if (result.before && result.after) {
    if (f.json)
      line({{"before", scores(*result.before)}, {"after", scores(*result.after)}, {"minutes", minutes}, {"tokens", result.tokens}, {"cost", result.bill.dollars()}, {"bill", result.bill.json()}, {"out", f.out}});
    else
      std::printf("before   %.1f%% [%.1f, %.1f]\nafter    %.1f%% [%.1f, %.1f]\nspent    %.1f minutes, %lld sampled tokens\n%s\nmodel    %s\n", 100 * result.before->pass1,
                  100 * result.before->ci95.low, 100 * result.before->ci95.high, 100 * result.after->pass1, 100 * result.after->ci95.low,
                  100 * result.after->ci95.high, minutes, static_cast<long long>(result.tokens), result.bill.text().c_str(), f.out.c_str());
  }
  if (f.json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return;
  std::fflush(stdout);
  execl(executable_path().c_str(), "minke", "chat", f.out.c_str(), nullptr);  // a prompt over the new model
}

}  // namespace

void add_learn(CLI::App& app) {
  auto* c = app.add_subcommand("learn", "teach a model to solve your problems, from right and wrong answers alone");
  auto f = std::make_shared<LearnFlags>();
  c->add_option("problems", f->problems, "a file of {\"prompt\": ..., \"answer\": ...} lines (\"level\" optional), or a built-in task")->required();
  c->add_option("--model", f->model, kModelHelp);
  c->add_option("--minutes", f->minutes, "how long to learn")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--out", f->out, "folder of the run and of the model it ends with")->capture_default_str();
  c->add_option("--level", f->level, "practise and ask this level alone; 0: all")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--data", f->data, "the file of a data set (gsm8k, svamp, math500)");
  c->add_option("--grader", f->grader, "a command that grades instead of the built-in rules (docs/grader.md)");
  auto* think = c->add_option("--think", f->think, "most tokens of thinking, capped below that at random (without it 160, or the full budget of a model with a dial)")->check(CLI::Range(16, 100000));
  add_effort_flag(*c, f->effort)->excludes(think);
  c->add_option("--eval-seconds", f->eval_seconds, "between looks at held-out problems")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--seed", f->seed, "of problems and draws")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_flag("--skip-bad", f->skip_bad, "pass over malformed lines and count them");
  c->add_flag("--fresh", f->fresh, "forget the run that is in the folder");
  c->add_flag("--json", f->json, "a JSON line per evaluation, and a last one with before, after and the bill");
  c->footer(
      "A part of the problems is held out: they are never practised, and every percentage is over them. The answers are graded as maths\n"
      "where the right answer is maths, else as words. Ctrl-C saves; the same command goes on.\n"
      "It ends with the bill: FLOPs, share of the peak, hours, money, and the same at DeepSeek's published price.\n"
      "Examples:\n"
      "  minke learn problems.jsonl\n"
      "  minke learn countdown-a2 --minutes 5\n"
      "  minke learn problems.jsonl --grader './grade.py' --out out/mine --json");
  c->callback([f] {
    f->model = model_path(f->model);
    run_learn(*f);
  });
}

}  // namespace minke
