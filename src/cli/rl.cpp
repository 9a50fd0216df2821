#include <CLI/CLI.hpp>
#include <memory>

#include "base/file.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "rl/run.h"

namespace minke {
namespace {

struct RlFlags {
  std::string config, model, out;
  int64_t steps = 0, seed = 0;
  double minutes = 0;
  bool fresh = false, json = false, random_reward = false;
};

}  // namespace

void add_rl(CLI::App& app) {
  auto* c = app.add_subcommand("rl", "reinforcement learning (GRPO) on problems whose answers can be checked");
  auto f = std::make_shared<RlFlags>();
  c->add_option("config", f->config, "TOML: [model] folder, [task] or [[tasks]], [reward], [rl], [run] (docs/rl.md)")->required();
  auto* model = c->add_option("--model", f->model, "folder of the model to start from, instead of the config's");
  auto* steps = c->add_option("--steps", f->steps, "stop after this many steps")->check(CLI::PositiveNumber);
  auto* minutes = c->add_option("--minutes", f->minutes, "stop after this time, instead of the config's")->check(CLI::PositiveNumber);
  auto* out = c->add_option("--out", f->out, "folder of the run, instead of the config's");
  auto* seed = c->add_option("--seed", f->seed, "of problems and draws, instead of the config's")->check(CLI::NonNegativeNumber);
  c->add_flag("--random-reward", f->random_reward, "a fair coin instead of the grader: the control that must not rise");
  c->add_flag("--fresh", f->fresh, "forget the run that is in the folder");
  c->add_flag("--json", f->json, "a run that finishes ends with one JSON object");
  c->footer(
      "The same command goes on where it stopped; Ctrl-C saves first.\n"
      "Examples:\n"
      "  minke rl configs/rl-countdown.toml --model out/tiny-cold --minutes 10\n"
      "  minke rl configs/rl-countdown.toml --model out/tiny-cold --out out/coin --random-reward --steps 100");
  c->callback([=] {
    RlRequest r;
    r.config_path = f->config;
    r.config = RlConfig::from_toml(read_file(f->config), f->config);
    if (model->count()) r.config.model = f->model;
    if (out->count()) r.config.run.out = f->out;
    if (seed->count()) r.config.rl.seed = uint64_t(f->seed);
    if (minutes->count()) r.config.rl.minutes = f->minutes;
    if (f->random_reward) {
      r.config.reward.kind = RewardKind::kRandom;
      r.config.reward.command.clear();
    }
    if (steps->count()) r.steps = f->steps;
    r.fresh = f->fresh;
    r.json = f->json;
    if (run_rl(r).end == RlEnd::kInterrupted) throw Interrupted();
  });
}

}  // namespace minke
