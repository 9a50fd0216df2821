#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "data/tokenizer/tokenizer.h"
#include "data/windows.h"
#include "model/score.h"

namespace minke {
namespace {

struct EvalOptions {
  std::string model, text, dtype = "auto";
  int64_t window = 0;
  bool json = false;
};

void run_eval(const EvalOptions& o) {
  const Tokenizer tokenizer = Tokenizer::load(o.model);
  const std::unique_ptr<Transformer> model = load_model(o.model, o.dtype, WeightUse::kInference);
  const int64_t longest = model->config().max_position_embeddings;
  const int64_t length = o.window > 0 ? o.window : std::min<int64_t>(longest, 512);
  if (length < 2 || length > longest) usage_fail("--window {}: expected 2 to the model's {} positions", length, longest);
  catch_interrupts();
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
  auto* c = app.add_subcommand("eval", "how well a model predicts a text");
  auto o = std::make_shared<EvalOptions>();
  c->add_option("model", o->model, "model folder")->required();
  c->add_option("--text", o->text, "file or folder: .txt, .jsonl with \"text\", .gz, .zst")->required();
  c->add_option("--window", o->window, "positions per window, BOS included; 0: up to 512")->capture_default_str();
  c->add_option("--dtype", o->dtype, "auto (as stored), bf16 or f32")->check(CLI::IsMember({"auto", "bf16", "f32"}))->capture_default_str();
  c->add_flag("--json", o->json, "one JSON object: tokens, bytes, bits_per_byte, perplexity");
  c->footer(
      "Every token of the text is predicted once: a window is BOS and the next tokens. Bits per byte: main head only.\n"
      "Example:\n  minke eval out/tiny --text data/books/heldout --json");
  c->callback([o] { run_eval(*o); });
}

}  // namespace minke
