#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "checkpoint/hf_folder.h"
#include "cli/commands.h"
#include "train/run.h"

namespace minke {
namespace {

struct SftFlags {
  std::string config, model, out;
  std::vector<std::string> chat;
  int64_t tokens = 0, steps = 0, seed = 0;
  double minutes = 0, epochs = 0, lr = 0;
  bool fresh = false, json = false;
};

// Where fine-tuning differs from pretraining: a smaller rate that falls from the start, MTP at its last weight, the routers' biases
// at rest, and sequences as long as the model's positions allow, for their length costs nothing here.
RunConfig sft_defaults(int64_t positions) {
  RunConfig c;
  c.data.tokenizer.clear();
  TrainOptions& t = c.train;
  t.sequence_length = std::min<int64_t>(512, positions);
  t.lr = 3e-4;
  t.lr_final = 3e-5;
  t.warmup = t.decay_from = 0.05;
  t.gamma = 0;
  t.mtp_lambda = t.mtp_lambda_final = 0.1;
  c.run.out = "out/sft";
  return c;
}

}  // namespace

void add_sft(CLI::App& app) {
  auto* c = app.add_subcommand("sft", "fine-tune a model on conversations");
  auto f = std::make_shared<SftFlags>();
  c->add_option("config", f->config, "TOML: [data], [train], [run] (docs/sft.md)")->required();
  c->add_option("--model,--init", f->model, "model folder to start from, instead of [train] model; tokenizer and architecture are its own");
  c->add_option("--data", f->chat, "files of conversations (.jsonl, also .gz, .zst), instead of [data] chat");
  auto* epochs = c->add_option("--epochs", f->epochs, "passes over the examples (without any budget: 2)")->check(CLI::PositiveNumber);
  auto* tokens = c->add_option("--tokens", f->tokens, "a budget in tokens instead")->check(CLI::PositiveNumber);
  auto* minutes = c->add_option("--minutes", f->minutes, "or in time: the tokens follow from the measured speed")->check(CLI::PositiveNumber);
  epochs->excludes(tokens)->excludes(minutes);
  tokens->excludes(minutes);
  auto* steps = c->add_option("--steps", f->steps, "stop after this many steps")->check(CLI::NonNegativeNumber);
  auto* out = c->add_option("--out", f->out, "folder of the run, instead of the config's");
  auto* seed = c->add_option("--seed", f->seed, "of the examples' order, instead of the config's")->check(CLI::NonNegativeNumber);
  auto* lr = c->add_option("--lr", f->lr, "learning rate, falling to a tenth of it, instead of the config's lr and lr_final")->check(CLI::PositiveNumber);
  c->add_flag("--fresh", f->fresh, "forget the run that is in the folder");
  c->add_flag("--json", f->json, "a run that finishes ends with one JSON object");
  c->footer(
      "The same command goes on where it stopped; Ctrl-C saves first.\n"
      "Examples:\n"
      "  minke sft configs/sft.toml --model out/tiny-base --data traces.jsonl --out out/tiny-sft\n"
      "  minke sft configs/sft.toml --data traces.jsonl --epochs 3");
  c->callback([=] {
    RunRequest r;
    r.config_path = f->config;
    const std::string text = read_file(f->config);
    if (parse_toml(text, f->config).contains("model"))
      usage_fail("{}: fine-tuning takes the architecture from the starting folder; remove the section [model]", f->config);
    r.init = f->model.empty() ? RunConfig::from_toml(text, f->config).train.model : f->model;
    if (r.init.empty()) usage_fail("{}: from which model? Set model in [train], or give --model", f->config);
    r.model = HfFolder(r.init).config();
    r.config = RunConfig::from_toml(text, f->config, sft_defaults(r.model.max_position_embeddings));
    DataOptions& d = r.config.data;
    TrainOptions& t = r.config.train;
    if (!f->chat.empty()) d.chat = f->chat;
    if (d.chat.empty()) usage_fail("{}: which conversations? Set chat in [data], or give --data", f->config);
    if (!d.text.empty() || d.problem_weight > 0)
      usage_fail("{}: [data] text and problem_weight are for minke train; fine-tuning reads chat alone", f->config);
    if (d.tokenizer.empty()) d.tokenizer = r.init;
    if (epochs->count() + tokens->count() + minutes->count() > 0) {
      t.epochs = f->epochs;
      t.tokens = f->tokens;
      t.minutes = f->minutes;
    }
    if (steps->count()) r.steps = f->steps;
    if (t.epochs == 0 && t.tokens == 0 && t.minutes == 0 && !r.steps) t.epochs = 2;
    if (out->count()) r.config.run.out = f->out;
    if (seed->count()) t.seed = uint64_t(f->seed);
    if (lr->count()) {
      t.lr = f->lr;
      t.lr_final = f->lr / 10;
    }
    std::error_code none;
    if (std::filesystem::equivalent(r.init, r.config.run.out, none))
      usage_fail("--out {}: is the folder to start from; choose another, or its model would be lost", r.config.run.out);
    r.fresh = f->fresh;
    r.json = f->json;
    if (run_training(r) == 130) throw Interrupted();
  });
}

}  // namespace minke
