#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/answer_text.h"
#include "cli/commands.h"
#include "cli/model_path.h"
#include "cli/sampling_flags.h"
#include "data/tokenizer/tokenizer.h"
#include "infer/engine.h"

namespace minke {
namespace {

struct GenerateOptions {
  std::string model, prompt;
  bool has_prompt = false, json = false, interactive = false, special = false;
  int64_t samples = 1;
  SamplingFlags sampling;
};

void answer(Engine& engine, const ModelConfig& config, const Tokenizer& tokenizer, const GenerateOptions& o, const std::string& prompt) {
  std::vector<int32_t> ids;
  if (tokenizer.bos_id() >= 0) ids.push_back(tokenizer.bos_id());
  tokenizer.encode(prompt, o.special, &ids);
  if (ids.empty()) usage_fail("--prompt is empty and the tokenizer has no BOS to start from");
  const int64_t room = room_after(ids, config);

  std::vector<GenerateRequest> requests;
  std::vector<std::unique_ptr<AnswerText>> texts;
  const bool stream = !o.json && o.samples == 1;
  for (int64_t i = 0; i < o.samples; ++i) {
    requests.push_back({ids, std::min(o.sampling.max_tokens, room), o.sampling.sampler, config.eos_token_id, uint64_t(i)});
    texts.push_back(std::make_unique<AnswerText>(tokenizer, o.sampling.stop, stream ? show_on_stdout : std::function<void(std::string_view)>()));
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
  o.sampling.validate();
  if (o.samples < 1) usage_fail("--samples {}: expected at least 1", o.samples);
  if (!o.has_prompt && !o.interactive) usage_fail("no prompt: give -p TEXT, or --interactive for a prompt to type at");
  const Tokenizer tokenizer = Tokenizer::load(o.model);
  const std::unique_ptr<Transformer> model = load_model(o.model, o.sampling.dtype, WeightUse::kInference);
  Engine engine(*model, o.sampling.form());
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
  c->add_option("model", o->model, kModelHelp);
  auto* prompt = c->add_option("-p,--prompt", o->prompt, "the text to continue");
  add_sampling_flags(*c, o->sampling);
  c->add_option("--samples", o->samples, "answers to the same prompt, side by side")->capture_default_str();
  c->add_flag("--special", o->special, "read special tokens such as <think> in the prompt as tokens");
  c->add_flag("-i,--interactive", o->interactive, "then read prompts from the terminal");
  c->add_flag("--json", o->json, "one JSON object per answer: ids (without the prompt), text, finish_reason");
  c->footer(
      "Examples:\n"
      "  minke generate out/tiny-base -p \"Once upon a time\" -t 0.8 --top-p 0.95\n"
      "  minke generate out/tiny-base -p \"12 + 30 =\" --max-tokens 8 --json");
  c->callback([o, prompt] {
    o->has_prompt = prompt->count() > 0;
    o->model = model_path(o->model);
    run_generate(*o);
  });
}

}  // namespace minke
