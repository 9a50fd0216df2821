#include <CLI/CLI.hpp>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "train/run.h"

namespace minke {
namespace {

struct TrainFlags {
  std::string config, out, init, dump;
  int64_t tokens = 0, steps = 0, seed = 0;
  double minutes = 0, gamma = 0, balance_alpha = 0;
  bool fresh = false, json = false;
};

}  // namespace

void add_train(CLI::App& app) {
  auto* c = app.add_subcommand("train", "train a model from a config");
  auto f = std::make_shared<TrainFlags>();
  c->add_option("config", f->config, "TOML: [model] (docs/config.md), [data], [train], [run] (docs/train.md)")->required();
  auto* tokens = c->add_option("--tokens", f->tokens, "the token budget, instead of the config's")->check(CLI::PositiveNumber);
  auto* minutes = c->add_option("--minutes", f->minutes, "time for the steps; the tokens follow from the measured speed")->check(CLI::PositiveNumber);
  tokens->excludes(minutes);
  auto* steps = c->add_option("--steps", f->steps, "stop after this many steps; 0 writes the initial model and stops")->check(CLI::NonNegativeNumber);
  auto* out = c->add_option("--out", f->out, "folder of the run, instead of the config's");
  auto* seed = c->add_option("--seed", f->seed, "instead of the config's")->check(CLI::NonNegativeNumber);
  auto* gamma = c->add_option("--gamma", f->gamma, "speed of the balancing bias, instead of the config's")->check(CLI::NonNegativeNumber);
  auto* alpha = c->add_option("--balance-alpha", f->balance_alpha, "weight of the sequence-wise loss, instead of the config's")->check(CLI::NonNegativeNumber);
  c->add_option("--init", f->init, "start from this model folder instead of fresh weights (or [train] model)");
  c->add_option("--dump-batches", f->dump, "also write the run's batches and per-step settings to FILE.safetensors and FILE.json (tools/oracle)");
  c->add_flag("--fresh", f->fresh, "forget the run that is in the folder");
  c->add_flag("--json", f->json, "a run that finishes ends with one JSON object");
  c->footer(
      "Before step 1 it says how long it will take and how much memory, at the end how far off that was, and the bill.\n"
      "The same command goes on where it stopped; Ctrl-C saves first.\n"
      "Examples:\n"
      "  minke train configs/tiny.toml --minutes 8\n"
      "  minke train configs/small.toml --out out/mine --tokens 20000000");
  c->callback([=] {
    RunRequest r;
    r.config_path = f->config;
    const std::string text = read_file(f->config);
    r.model = ModelConfig::from_toml(text, f->config);
    r.config = RunConfig::from_toml(text, f->config);
    TrainOptions& t = r.config.train;
    if (tokens->count()) t.tokens = f->tokens;
    if (minutes->count()) {
      t.minutes = f->minutes;
      t.tokens = 0;
    }
    if (steps->count()) r.steps = f->steps;
    if (out->count()) r.config.run.out = f->out;
    if (seed->count()) t.seed = uint64_t(f->seed);
    if (gamma->count()) t.gamma = f->gamma;
    if (alpha->count()) t.balance_alpha = f->balance_alpha;
    r.init = f->init.empty() ? t.model : f->init;
    if (!r.config.data.chat.empty()) usage_fail("{}: [data] chat is for fine-tuning: minke sft {}", f->config, f->config);
    r.fresh = f->fresh;
    r.json = f->json;
    r.dump_batches = f->dump;
    if (run_training(r) == 130) throw Interrupted();
  });
}

}  // namespace minke
