#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/answer_text.h"
#include "cli/commands.h"
#include "cli/effort_flags.h"
#include "cli/model_path.h"
#include "cli/sampling_flags.h"
#include "data/tokenizer/tokenizer.h"
#include "dial/ask.h"
#include "infer/engine.h"

namespace minke {
namespace {

struct GenerateOptions {
  std::string model, prompt;
  bool has_prompt = false, json = false, interactive = false, special = false;
  int64_t samples = 1;
  SamplingFlags sampling;
  EffortFlags effort;
  bool answer_limit = false, temperature = false, top_p = false;  // given
};

std::string json_line(const nlohmann::ordered_json& j) { return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"; }

void tell_speed(int64_t tokens, double seconds) {
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\033[2m%lld tokens, %.0f tokens/s\033[0m\n", static_cast<long long>(tokens), double(tokens) / std::max(seconds, 1e-9));
}

// What the options say where there is an effort: unless given, temperature and top-p are those of a thinking model and the answer has its reserve.
AskOptions ask_options(const GenerateOptions& o) {
  AskOptions ask;
  const double temperature = ask.sampler.temperature, top_p = ask.sampler.top_p;
  ask.sampler = o.sampling.sampler;
  if (!o.temperature) ask.sampler.temperature = temperature;
  if (!o.top_p) ask.sampler.top_p = top_p;
  if (o.answer_limit) ask.answer_tokens = o.sampling.max_tokens;
  ask.stop = o.sampling.stop;
  return ask;
}

// The prompt as a user's question.
void answer_question(Asker& asker, const GenerateOptions& o, const std::string& prompt) {
  std::vector<AskQuestion> questions;
  for (int64_t i = 0; i < o.samples; ++i) {
    AskQuestion q;
    q.id = "of --prompt";
    q.messages = {{"user", prompt}};
    q.effort = o.effort.parsed();
    q.number = i;
    questions.push_back(std::move(q));
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<AskResult> results = ask_all(asker, questions, {}, [] { return interrupted(); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  int64_t tokens = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    const AskResult& r = results[i];
    const AskSample& s = r.sample();
    tokens += r.tokens;
    const std::string number = o.samples > 1 ? fmt::format("[{}] ", i + 1) : "";
    if (o.json)
      std::printf("%s", json_line({{"ids", s.ids}, {"text", s.text}, {"finish_reason", finish_reason_name(s.finish())}, {"thinking", s.said.thinking},
                                   {"answer", s.said.answer}, {"effort", effort_json(r.effort)}}).c_str());
    else
      std::printf("%s%s%s\n", number.c_str(), s.cap > 0 ? "<think>\n" : "", s.cap > 0 ? s.text.c_str() : s.said.answer.c_str());
  }
  if (!o.json) tell_speed(tokens, seconds);
}

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
      std::printf("%s", json_line({{"ids", answers[i].ids}, {"text", texts[i]->text()}, {"finish_reason", finish_reason_name(finish)}}).c_str());
    else if (!stream)
      std::printf("[%zu] %s%s\n", i + 1, prompt.c_str(), texts[i]->text().c_str());
  }
  if (stream) std::printf("\n");
  if (!o.json) tell_speed(tokens, seconds);
}

void run_generate(const GenerateOptions& o) {
  o.sampling.validate();
  if (o.samples < 1) usage_fail("--samples {}: expected at least 1", o.samples);
  if (!o.has_prompt && !o.interactive) usage_fail("no prompt: give -p TEXT, or --interactive for a prompt to type at");
  const Tokenizer tokenizer = Tokenizer::load(o.model);
  const std::unique_ptr<Transformer> model = load_model(o.model, o.sampling.dtype, WeightUse::kInference);
  Engine engine(*model, o.sampling.form());
  std::optional<Asker> asker;
  if (o.effort.given())
    asker.emplace(engine, model->config(), tokenizer, EffortProfile::load(o.model, model->config().max_position_embeddings), ask_options(o));
  const auto reply = [&](const std::string& prompt) {
    if (asker)
      answer_question(*asker, o, prompt);
    else
      answer(engine, model->config(), tokenizer, o, prompt);
  };
  catch_interrupts();
  if (o.has_prompt) reply(o.prompt);
  if (!o.interactive) return;
  std::printf("%s; Ctrl-C stops it, an empty line or Ctrl-D ends.\n", asker ? "Ask; the model answers" : "Type the beginning of a text; the model continues it");
  for (std::string line; std::printf("> "), std::fflush(stdout), std::getline(std::cin, line);) {
    if (line.empty()) break;
    reply(line);
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
  auto* effort = add_effort_flag(*c, o->effort);
  c->add_flag("--special", o->special, "read special tokens such as <think> in the prompt as tokens")->excludes(effort);
  c->add_flag("-i,--interactive", o->interactive, "then read prompts from the terminal");
  c->add_flag("--json", o->json, "one JSON object per answer: ids (without the prompt), text, finish_reason; with --effort also thinking, answer, effort");
  c->footer(
      "With --effort the prompt is a question in the form of a conversation (as minke chat asks it): -n is then most of the answer after its thinking,\n"
      "temperature and top-p are 0.6 and 0.95 unless given, and --samples counts whole answers.\n"
      "Examples:\n"
      "  minke generate out/tiny-base -p \"Once upon a time\" -t 0.8 --top-p 0.95\n"
      "  minke generate out/tiny-base -p \"12 + 30 =\" --max-tokens 8 --json\n"
      "  minke generate -p \"What is 12 + 30?\" --effort max --json");
  c->callback([o, prompt, c] {
    o->answer_limit = c->count("--max-tokens") > 0;
    o->temperature = c->count("--temperature") > 0;
    o->top_p = c->count("--top-p") > 0;
    o->has_prompt = prompt->count() > 0;
    o->model = model_path(o->model);
    run_generate(*o);
  });
}

}  // namespace minke
