#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "checkpoint/model_folder.h"
#include "cli/answer_text.h"
#include "cli/commands.h"
#include "cli/model_path.h"
#include "cli/sampling_flags.h"
#include "data/chat.h"

namespace minke {
namespace {

struct ChatOptions {
  std::string model, question, system;
  bool one = false, json = false, no_think = false;
  SamplingFlags sampling;
};

// A completion on its way to the screen: the thought, dim on a terminal, then the answer. Stop strings are looked for in the answer.
class Completion {
 public:
  Completion(const Tokenizer& tokenizer, const std::vector<std::string>& stop, Thinking thinking, bool show)
      : end_think_(end_of_thinking_id(tokenizer)), show_(show), dim_(show && isatty(STDOUT_FILENO)), answering_(thinking == Thinking::kOff),
        thought_(tokenizer, {}, sink()), answer_(tokenizer, stop, sink()) {
    if (show_ && !answering_) show_on_stdout(dim_ ? "\033[2m" : "<think>\n");
  }
  bool push(int32_t id) {
    if (answering_) return answer_.push(id);
    if (id != end_think_) return thought_.push(id);
    thought_.finish();
    answering_ = true;
    if (!show_) return true;
    if (thought_.text().empty() || thought_.text().back() != '\n') show_on_stdout("\n");
    show_on_stdout(dim_ ? "\033[0m" : "</think>\n");
    return true;
  }
  void finish() {
    (answering_ ? answer_ : thought_).finish();
    if (show_) show_on_stdout(!answering_ && dim_ ? "\033[0m\n" : "\n");
  }
  bool answering() const { return answering_; }
  bool stopped() const { return answer_.stopped(); }
  const std::string& thought() const { return thought_.text(); }
  const std::string& answer() const { return answer_.text(); }

 private:
  std::function<void(std::string_view)> sink() const { return show_ ? show_on_stdout : std::function<void(std::string_view)>(); }
  int32_t end_think_;
  bool show_, dim_, answering_;
  AnswerText thought_, answer_;
};

class Chat {
 public:
  explicit Chat(const ChatOptions& o)
      : o_(o), thinking_(o.no_think ? Thinking::kOff : Thinking::kOn), tokenizer_(Tokenizer::load(o.model)),
        model_(load_model(o.model, o.sampling.dtype, WeightUse::kInference)), engine_(*model_, o.sampling.form()) {
    if (!o.system.empty()) messages_.push_back({"system", o.system});
  }

  // Earlier thoughts are dropped by chat_prompt(); a question that got no answer is forgotten.
  void ask(const std::string& question) {
    messages_.push_back({"user", question});
    const std::vector<int32_t> prompt = chat_prompt(tokenizer_, messages_, thinking_);
    const int64_t room = room_after(prompt, model_->config());
    Completion completion(tokenizer_, o_.sampling.stop, thinking_, !o_.json);
    const GenerateRequest request{prompt, std::min(o_.sampling.max_tokens, room), o_.sampling.sampler, answer_eos(model_->config().eos_token_id, tokenizer_), turn_++};
    const Generation g = engine_.generate({request}, [&](size_t, int32_t id) { return completion.push(id); }, [] { return interrupted(); })[0];
    completion.finish();
    if (o_.json)
      std::printf("%s\n", nlohmann::ordered_json{{"thinking", completion.thought()},
                                                 {"answer", completion.answer()},
                                                 {"ids", g.ids},
                                                 {"finish_reason", finish_reason_name(completion.stopped() ? FinishReason::kStop : g.finish)}}
                              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                              .c_str());
    std::fflush(stdout);
    if (completion.answering()) {
      messages_.push_back({"assistant", completion.answer()});
      return;
    }
    messages_.pop_back();
    if (!interrupted())
      std::fprintf(stderr, "minke: no </think> in %zu tokens: the model may never have learnt this form (minke sft), or needs a larger -n; --no-think asks without a thought\n",
                   g.ids.size());
  }

 private:
  const ChatOptions& o_;
  Thinking thinking_;
  Tokenizer tokenizer_;
  std::unique_ptr<Transformer> model_;
  Engine engine_;
  std::vector<ChatMessage> messages_;
  uint64_t turn_ = 0;
};

void run_chat(const ChatOptions& o) {
  o.sampling.validate();
  Chat chat(o);
  catch_interrupts();
  if (o.one) return chat.ask(o.question);
  const bool terminal = isatty(STDIN_FILENO);
  if (terminal) std::fprintf(stderr, "Ask; an empty line or Ctrl-D ends, Ctrl-C stops an answer.\n");
  for (std::string line; (terminal ? std::fprintf(stderr, "> ") : 0), std::getline(std::cin, line);) {
    if (line.empty()) break;
    chat.ask(line);
    clear_interrupt();
  }
}

}  // namespace

void add_chat(CLI::App& app) {
  auto* c = app.add_subcommand("chat", "talk with a model that learnt DeepSeek-R1's form of a conversation");
  auto o = std::make_shared<ChatOptions>();
  o->sampling.max_tokens = 2048;
  o->sampling.sampler.temperature = 0.6;
  o->sampling.sampler.top_p = 0.95;
  c->add_option("model", o->model, kModelHelp);
  auto* question = c->add_option("-p,--prompt", o->question, "ask this and exit; without it, a question a line from the terminal or stdin");
  c->add_option("--system", o->system, "instructions before the conversation");
  c->add_flag("--no-think", o->no_think, "answer at once, without a thought");
  add_sampling_flags(*c, o->sampling);
  c->add_flag("--json", o->json, "one JSON object per answer: thinking, answer, ids (without the prompt), finish_reason");
  c->footer(
      "Examples:\n"
      "  minke chat out/tiny-sft\n"
      "  minke chat out/tiny-sft -p \"What is 12 * 34?\" --json");
  c->callback([o, question] {
    o->one = question->count() > 0;
    o->model = model_path(o->model);
    run_chat(*o);
  });
}

}  // namespace minke
