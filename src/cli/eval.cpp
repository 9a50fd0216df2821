#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "cli/eval_task.h"
#include "cli/model_path.h"
#include "data/tokenizer/tokenizer.h"
#include "data/windows.h"
#include "model/score.h"
#include "train/balance.h"
#include "train/training_data.h"

namespace minke {
namespace {

struct EvalOptions {
  std::string model, text, mixture, dtype = "auto";
  int64_t window = 0, tokens = 131072;
  bool json = false;
};

// Held-out text and calibration problems in the shares that a config trains on.
void run_mixture(const EvalOptions& o, Transformer& model, const Tokenizer& tokenizer) {
  const RunConfig config = RunConfig::from_toml(read_file(o.mixture), o.mixture);
  const int64_t length = config.train.sequence_length, windows = std::max<int64_t>(o.tokens / length, 2);
  const HeldOutSets sets = held_out_sets(tokenizer, config.data, length, {int64_t(double(windows) * (1 - config.data.problem_weight)),
                                                                         int64_t(double(windows) * config.data.problem_weight)});
  const Score prose = score_windows(model, window_tokens(sets.prose), [] { return interrupted(); });
  const Score problems = score_windows(model, window_tokens(sets.problems), [] { return interrupted(); });
  if (interrupted()) return;

  nlohmann::ordered_json j = {{"tokens", prose.tokens + problems.tokens}, {"loss", (prose.nll + problems.nll) / double(prose.tokens + problems.tokens)}};
  j["bits_per_byte"] = nlohmann::ordered_json::object();
  if (sets.prose.bytes) j["bits_per_byte"]["prose"] = prose.nll / std::log(2.0) / double(sets.prose.bytes);
  if (sets.problems.bytes) j["bits_per_byte"]["problems"] = problems.nll / std::log(2.0) / double(sets.problems.bytes);
  std::vector<std::vector<int64_t>> loads = prose.expert_loads.empty() ? problems.expert_loads : prose.expert_loads;
  for (size_t l = 0; l < loads.size() && !prose.expert_loads.empty() && !problems.expert_loads.empty(); ++l)
    for (size_t e = 0; e < loads[l].size(); ++e) loads[l][e] += problems.expert_loads[l][e];
  j["max_vio"] = nlohmann::ordered_json::array();
  for (const auto& layer : loads) j["max_vio"].push_back(max_violation(layer));
  j["expert_loads"] = loads;
  if (o.json) {
    std::printf("%s\n", j.dump().c_str());
    return;
  }
  std::printf("loss %.4f over %lld tokens; bits per byte %s\nMaxVio per MoE layer %s\n", j["loss"].get<double>(),
              static_cast<long long>(prose.tokens + problems.tokens), j["bits_per_byte"].dump().c_str(), j["max_vio"].dump().c_str());
}

void run_eval(const EvalOptions& o) {
  const Tokenizer tokenizer = Tokenizer::load(o.model);
  const std::unique_ptr<Transformer> model = load_model(o.model, o.dtype, WeightUse::kInference);
  catch_interrupts();
  if (!o.mixture.empty()) {
    run_mixture(o, *model, tokenizer);
    return;
  }
  const int64_t longest = model->config().max_position_embeddings;
  const int64_t length = o.window > 0 ? o.window : std::min<int64_t>(longest, 512);
  if (length < 2 || length > longest) usage_fail("--window {}: expected 2 to the model's {} positions", length, longest);
  const EvalSet set = file_windows(tokenizer, {o.text}, length);
  const Score score = score_windows(*model, window_tokens(set), [] { return interrupted(); });
  if (interrupted()) return;
  if (set.bytes == 0) fail("{}: no text to score", o.text);
  const double bits = score.nll / std::log(2.0) / double(set.bytes), perplexity = std::exp(score.nll / double(score.tokens));
  if (o.json)
    std::printf("%s\n", nlohmann::ordered_json{
                            {"tokens", score.tokens}, {"bytes", set.bytes}, {"bits_per_byte", bits}, {"perplexity", perplexity}}
                            .dump()
                            .c_str());
  else
    std::printf("%s: %.4f bits per byte, perplexity %.2f over %lld tokens (%lld bytes)\n", o.text.c_str(), bits, perplexity,
                static_cast<long long>(score.tokens), static_cast<long long>(set.bytes));
}

}  // namespace

void add_eval(CLI::App& app) {
  auto* c = app.add_subcommand("eval", "how well a model predicts a text, or solves a task");
  auto o = std::make_shared<EvalOptions>();
  auto t = std::make_shared<EvalTaskFlags>();
  auto* task = t->add(*c);
  task->group("what: one of");
  c->add_option("--split", t->split, "held-out problems: test or calibration")->needs(task)->check(CLI::IsMember({"test", "calibration", "train"}))->capture_default_str();
  auto* effort = add_effort_flag(*c, t->effort);
  effort->needs(task)->excludes(c->get_option("--cap"))->excludes(c->get_option("--no-think"));
  c->add_flag("!--no-checker", t->options.checker, "with --effort: no checker ends the samples early, not even Countdown's own or --grader")->needs(effort);
  c->add_flag("--whole", t->problems.whole, "the file holds test problems alone: none of it was trained on, all of it is the test split")->needs(task);
  c->add_option("--rows", t->rows, "a file that keeps the rows as they come; the same command goes on from it, also with more problems or samples")->needs(task);
  c->add_option("--against", t->against, "earlier rows (of --rows or --json) of the same problems: what changed, paired")->needs(task)->check(CLI::ExistingFile);
  c->add_flag("--mtp", t->mtp, "also how often the MTP module's draft is the next token of greedy answers to these problems")->needs(task);
  auto* text = c->add_option("--text", o->text, "file or folder: .txt, .jsonl with \"text\", .gz, .zst")->group("what: one of")->excludes(task);
  auto* mixture = c->add_option("--mixture", o->mixture,
                                "a training config: its held-out text and calibration problems in its shares; also loss, MaxVio and expert loads");
  mixture->group("what: one of")->excludes(task)->excludes(text);
  c->add_option("--tokens", o->tokens, "of the mixture")->needs(mixture)->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--window", o->window, "of a text: positions per window, BOS included; 0: up to 512")->needs(text)->capture_default_str();
  c->add_option("--dtype", o->dtype, kDtypeHelp)->check(CLI::IsMember(dtype_names()))->capture_default_str();
  c->add_flag("--json", o->json, "text, mixture: one object. Task: a row an answer, then the summary (docs/eval.md)");
  c->footer(
      "A text's tokens are predicted once each: a window is BOS and the next tokens. Bits per byte: main head only.\n"
      "A task's problems are held out from training, whatever the seed; pass@1 is a mean over answers, with its 95% interval.\n"
      "Examples:\n  minke eval out/tiny-base --text data/books/heldout --json\n  minke eval out/tiny-base --mixture configs/tiny.toml --json\n"
      "  minke eval --task countdown-a3 --n 512 --samples 16 --rows a3.jsonl\n"
      "  minke eval --task expressions-b3 --level 4 --effort max --samples 1 --json\n"
      "  minke eval --task gsm8k --data gsm8k-test.jsonl --whole --n 200 --max-tokens 512 --json");
  c->callback([o, t, task] {
    o->model = t->model = model_path(t->model);
    if (task->count() == 0) {
      if (o->text.empty() && o->mixture.empty()) usage_fail("eval: on what? Give --task, --text or --mixture; see minke eval --help");
      run_eval(*o);
      return;
    }
    t->dtype = o->dtype;
    t->json = o->json;
    run_eval_task(*t);
  });
}

}  // namespace minke
