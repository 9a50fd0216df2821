#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "cli/chat_session.h"
#include "cli/chat_terminal.h"
#include "cli/chat_view.h"
#include "cli/commands.h"
#include "cli/effort_flags.h"
#include "cli/line_editor.h"
#include "cli/model_path.h"

namespace minke {
namespace {

struct ChatOptions : ChatSetup {
  std::string question;
  bool one = false, lines = false, json = false, no_think = false;
  EffortFlags effort_flags;
};

void answer(ChatSession& session, const ChatOptions& o, const std::string& question) {
  AnswerView view(session, o.json ? ChatStyle::kSilent : draws(STDOUT_FILENO) ? ChatStyle::kDim : ChatStyle::kTags);
  const ChatReply reply = session.ask(question, [&](size_t sample, int32_t id, bool thinking) { view.push(sample, id, thinking); });
  view.finish(reply.result);
  const AskSample& s = reply.result.sample();
  if (o.json)
    std::printf("%s\n", nlohmann::ordered_json{{"thinking", s.said.thinking},
                                               {"answer", s.said.answer},
                                               {"ids", s.ids},
                                               {"finish_reason", finish_reason_name(s.finish())},
                                               {"effort", effort_json(reply.result.effort)}}
                            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                            .c_str());
  else if (draws(STDERR_FILENO))
    std::fprintf(stderr, "\033[2m%s\033[0m\n", cost_text(reply).c_str());
  std::fflush(stdout);
}

std::string without_line_ends(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

void run_chat(ChatOptions& o) {
  o.sampling.validate();
  if (o.effort_flags.given()) o.effort = o.effort_flags.parsed();
  if (o.no_think) o.effort = parse_effort("off");
  std::string piped;
  if (!o.one && !o.lines && !isatty(STDIN_FILENO)) {
    piped = without_line_ends({std::istreambuf_iterator<char>(std::cin), {}});
    if (piped.empty()) usage_fail("chat: stdin holds no question; give one, -p TEXT, or start it at a terminal");
  }
  ChatSession session(o);
  catch_interrupts();
  if (o.one) return answer(session, o, o.question);
  if (!piped.empty()) return answer(session, o, piped);
  if (!o.lines && !o.json && isatty(STDOUT_FILENO)) return chat_at_terminal(session);
  for (std::string line; !interrupted() && std::getline(std::cin, line);)
    if (!without_line_ends(line).empty()) answer(session, o, without_line_ends(line));
}

}  // namespace

void add_chat(CLI::App& app) {
  auto* c = app.add_subcommand("chat", "talk with a model that learnt DeepSeek-R1's form of a conversation");
  auto o = std::make_shared<ChatOptions>();
  o->sampling.max_tokens = 512;
  o->sampling.sampler.temperature = 0.6;
  o->sampling.sampler.top_p = 0.95;
  c->add_option("model", o->model, kModelHelp);
  auto* question = c->add_option("-p,--prompt", o->question, "ask this and exit; without it a conversation at the terminal, or stdin is the question");
  c->add_flag("--lines", o->lines, "every line of stdin is a question, one conversation")->excludes(question);
  c->add_option("--system", o->system, "instructions before the conversation");
  auto* effort = add_effort_flag(*c, o->effort_flags);
  effort->default_str("high");
  c->add_flag("--no-think", o->no_think, "answer at once: --effort off")->excludes(effort);
  add_sampling_flags(*c, o->sampling);
  c->get_option("--max-tokens")->description("most tokens of an answer, after its thinking");
  c->add_option("--price", o->price, "US dollars per core-hour, for what an answer cost")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_flag("--json", o->json, "one JSON object per answer: thinking, answer, ids (without the prompt), finish_reason, effort");
  c->footer(
      "At the terminal: /help /effort /stats /regen /clear /bye; Ctrl-C stops an answer (docs/chat.md).\n"
      "Examples:\n"
      "  minke chat\n"
      "  minke chat out/learn -p \"What is 12 * 34?\" --effort max --json\n"
      "  minke chat < question.txt");
  c->callback([o, question] {
    o->one = question->count() > 0;
    o->model = model_path(o->model);
    run_chat(*o);
  });
}

}  // namespace minke
