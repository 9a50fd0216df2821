#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "data/tokenizer/tokenizer.h"
#include "infer/engine.h"

namespace minke {
namespace {

struct GenerateOptions {
  std::string model, prompt, dtype = "auto", cache = "latent";
  bool has_prompt = false, json = false, interactive = false, special = false;
  int64_t max_tokens = 128, samples = 1;
  SamplerOptions sampler;
  std::vector<std::string> stop;
};

// Streams one answer's text and watches for stop strings. Text that may be the beginning of one is held back.
class AnswerText {
 public:
  AnswerText(const Tokenizer& tokenizer, const std::vector<std::string>& stop, bool print) : decoder_(tokenizer, true), stop_(stop), print_(print) {}

  // False when a stop string was reached; the text ends before it.
  bool push(int32_t id) {
    text_ += decoder_.push(id);
    return advance(false);
  }
  void finish() {
    if (stopped_) return;
    text_ += decoder_.flush();
    advance(true);
  }
  const std::string& text() const { return text_; }
  bool stopped() const { return stopped_; }

 private:
  bool advance(bool all) {
    size_t end = text_.size(), hold = 0;
    for (const std::string& s : stop_) {
      const size_t from = printed_ >= s.size() ? printed_ - s.size() : 0;
      const size_t at = text_.find(s, from);
      if (at != std::string::npos && at < end) {
        end = at;
        stopped_ = true;
      }
      for (size_t n = std::min(s.size() - 1, text_.size()); n > hold; --n)
        if (text_.compare(text_.size() - n, n, s, 0, n) == 0) {
          hold = n;
          break;
        }
    }
    if (stopped_) text_.resize(end);
    const size_t upto = stopped_ || all ? text_.size() : text_.size() - hold;
    if (print_ && upto > printed_) {
      std::fwrite(text_.data() + printed_, 1, upto - printed_, stdout);
      std::fflush(stdout);
    }
    printed_ = std::max(printed_, upto);
    return !stopped_;
  }

  StreamDecoder decoder_;
  std::vector<std::string> stop_;
  bool print_;
  std::string text_;
  size_t printed_ = 0;
  bool stopped_ = false;
};

void answer(Engine& engine, const ModelConfig& config, const Tokenizer& tokenizer, const GenerateOptions& o, const std::string& prompt) {
  std::vector<int32_t> ids;
  if (tokenizer.bos_id() >= 0) ids.push_back(tokenizer.bos_id());
  tokenizer.encode(prompt, o.special, &ids);
  if (ids.empty()) usage_fail("--prompt is empty and the tokenizer has no BOS to start from");
  for (const int32_t id : ids)
    if (id >= config.vocab_size) fail("token {} of the prompt is outside the model's vocabulary of {}; is this the model's own tokenizer?", id, config.vocab_size);

  const int64_t room = config.max_position_embeddings - int64_t(ids.size());
  if (room < 1) fail("the prompt has {} tokens, the model {} positions", ids.size(), config.max_position_embeddings);

  std::vector<GenerateRequest> requests;
  std::vector<std::unique_ptr<AnswerText>> texts;
  const bool stream = !o.json && o.samples == 1;
  for (int64_t i = 0; i < o.samples; ++i) {
    requests.push_back({ids, std::min(o.max_tokens, room), o.sampler, config.eos_token_id, uint64_t(i)});
    texts.push_back(std::make_unique<AnswerText>(tokenizer, o.stop, stream));
  }
  if (stream) std::printf("%s", prompt.c_str());
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Generation> answers =
      engine.generate(requests, [&](size_t i, int32_t id) { return texts[i]->push(id); }, [] { return interrupted(); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  int64_t tokens = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    texts[i]->finish();
    tokens += int64_t(answers[i].ids.size());
    const FinishReason finish = texts[i]->stopped() ? FinishReason::kStop : answers[i].finish;
    if (o.json)
      std::printf("%s\n", nlohmann::ordered_json{{"ids", answers[i].ids}, {"text", texts[i]->text()}, {"finish_reason", finish_reason_name(finish)}}
                              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                              .c_str());
    else if (!stream)
      std::printf("[%zu] %s%s\n", i + 1, prompt.c_str(), texts[i]->text().c_str());
  }
  if (stream) std::printf("\n");
  if (!o.json && isatty(STDERR_FILENO))
    std::fprintf(stderr, "\033[2m%lld tokens, %.0f tokens/s\033[0m\n", static_cast<long long>(tokens), double(tokens) / std::max(seconds, 1e-9));
}

void run_generate(const GenerateOptions& o) {
  o.sampler.validate();
  if (o.max_tokens < 1) usage_fail("--max-tokens {}: expected at least 1", o.max_tokens);
  for (const std::string& s : o.stop)
    if (s.empty()) usage_fail("--stop: expected a text, found an empty one");
  if (o.samples < 1) usage_fail("--samples {}: expected at least 1", o.samples);
  if (!o.has_prompt && !o.interactive) usage_fail("no prompt: give -p TEXT, or --interactive for a prompt to type at");
  const CacheForm form = o.cache == "latent" ? CacheForm::kLatent : CacheForm::kExpanded;
  const Tokenizer tokenizer = Tokenizer::load(o.model);
  const std::unique_ptr<Transformer> model = load_model(o.model, o.dtype, WeightUse::kInference);
  Engine engine(*model, form);
  catch_interrupts();
  if (o.has_prompt) answer(engine, model->config(), tokenizer, o, o.prompt);
  if (!o.interactive) return;
  std::printf("Type the beginning of a text; the model continues it. Ctrl-C stops a continuation, an empty line or Ctrl-D ends.\n");
  for (std::string line; std::printf("> "), std::fflush(stdout), std::getline(std::cin, line);) {
    if (line.empty()) break;
    answer(engine, model->config(), tokenizer, o, line);
    clear_interrupt();
  }
}

}  // namespace

void add_generate(CLI::App& app) {
  auto* c = app.add_subcommand("generate", "continue a text");
  auto o = std::make_shared<GenerateOptions>();
  c->add_option("model", o->model, "model folder")->required();
  auto* prompt = c->add_option("-p,--prompt", o->prompt, "the text to continue");
  c->add_option("-n,--max-tokens", o->max_tokens, "stop after this many tokens")->capture_default_str();
  c->add_option("-t,--temperature", o->sampler.temperature, "0 takes the likeliest token")->capture_default_str();
  c->add_option("--top-p", o->sampler.top_p, "keep the likeliest tokens that reach this probability")->capture_default_str();
  c->add_option("--top-k", o->sampler.top_k, "keep this many tokens; 0 keeps all")->capture_default_str();
  c->add_option("--min-p", o->sampler.min_p, "keep tokens this likely relative to the likeliest")->capture_default_str();
  c->add_option("--seed", o->sampler.seed, "the same seed gives the same text")->capture_default_str();
  c->add_option("--stop", o->stop, "end before this text; may be given several times")->take_all();
  c->add_option("--samples", o->samples, "answers to the same prompt, side by side")->capture_default_str();
  c->add_option("--cache", o->cache, "what is kept of the past: latent (small) or expanded (the training forward, bit for bit)")
      ->check(CLI::IsMember({"latent", "expanded"}))
      ->capture_default_str();
  c->add_option("--dtype", o->dtype, "auto (as stored), bf16 or f32")->check(CLI::IsMember({"auto", "bf16", "f32"}))->capture_default_str();
  c->add_flag("--special", o->special, "read special tokens such as <think> in the prompt as tokens");
  c->add_flag("-i,--interactive", o->interactive, "then read prompts from the terminal");
  c->add_flag("--json", o->json, "one JSON object per answer: ids (without the prompt), text, finish_reason");
  c->footer(
      "Examples:\n"
      "  minke generate out/tiny -p \"Once upon a time\" -t 0.8 --top-p 0.95\n"
      "  minke generate out/tiny -p \"12 + 30 =\" --max-tokens 8 --json");
  c->callback([o, prompt] {
    o->has_prompt = prompt->count() > 0;
    run_generate(*o);
  });
}

}  // namespace minke
