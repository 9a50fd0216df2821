#include "cli/chat_terminal.h"

#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/interrupt.h"
#include "cli/chat_view.h"
#include "cli/line_editor.h"
#include "model/parameters.h"

namespace minke {
namespace {

constexpr const char* kHelp =
    "/effort X   how hard to think: off, minimal, low, medium, high, max, auto, 50%, or a number of tokens; without X what it is now\n"
    "/regen      ask the last question once more\n"
    "/stats      what this session cost\n"
    "/clear      forget the conversation\n"
    "/bye        end, as Ctrl-D does\n"
    "A line that ends in \\ goes on in the next; \"\"\" begins and ends a text of many lines; pasted lines stay together. A space before / makes it\n"
    "a question. Ctrl-C stops an answer, or drops what was typed. Up and down: what was typed before.\n";

class Terminal {
 public:
  explicit Terminal(ChatSession& session) : session_(session), colour_(draws(STDOUT_FILENO)) {}

  void run() {
    say(fmt::format("{}, {:.1f}M parameters, effort {}. /help lists the commands, Ctrl-D ends.", session_.setup().model,
                    double(count_parameters(session_.config()).total_params) / 1e6, session_.setup().effort.asked));
    for (std::string question; read(&question);) {
      if (question.starts_with('/')) {
        if (!obey(question)) return;
      } else if (question.find_first_not_of(" \n") != std::string::npos) {
        attempt([&](const ChatSession::OnToken& on_token) { return session_.ask(question, on_token); });
      }
    }
  }

 private:
  void say(const std::string& text) const { show_on_stdout(colour_ ? "\033[2m" + text + "\033[0m\n" : text + "\n"); }

  // A question of one line or more; false at the end of input.
  bool read(std::string* question) {
    question->clear();
    bool block = false;
    for (bool first = true;; first = false) {
      std::string line;
      const LineEnd end = editor_.read(first ? "> " : ". ", &line);
      if (end == LineEnd::kClosed) return false;
      if (end == LineEnd::kAbandoned) {
        if (first && line.empty()) say("/bye or Ctrl-D ends");
        question->clear();
        return true;
      }
      if (first && line.starts_with("\"\"\"")) {
        block = true;
        line.erase(0, 3);
      }
      const bool closes = block && line.ends_with("\"\"\"");
      const bool goes_on = !block && line.ends_with('\\');
      if (closes) line.resize(line.size() - 3);
      if (goes_on) line.pop_back();
      if (!first && !question->empty()) *question += '\n';
      *question += line;
      if (block ? closes : !goes_on) return true;
    }
  }

  // Asks and shows; an error leaves the conversation as it was.
  template <class Ask>
  void attempt(const Ask& ask) {
    try {
      AnswerView view(session_, colour_ ? ChatStyle::kDim : ChatStyle::kTags);
      const std::optional<ChatReply> reply = ask([&](size_t sample, int32_t id, bool thinking) { view.push(sample, id, thinking); });
      if (!reply) return say("nothing was asked yet");
      view.finish(reply->result);
      say(cost_text(*reply));
    } catch (const Error& e) {
      say(fmt::format("{}; /clear makes room", e.what()));
    }
    clear_interrupt();
  }

  // False: the end.
  bool obey(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const size_t from = line.find_first_not_of(' ', space == std::string::npos ? line.size() : space);
    std::string rest = from == std::string::npos ? "" : line.substr(from);
    rest.erase(rest.find_last_not_of(' ') + 1);
    if (command == "/bye") return false;
    if (command == "/help") {
      show_on_stdout(kHelp);
    } else if (command == "/effort") {
      set_effort(rest);
    } else if (command == "/regen") {
      attempt([&](const ChatSession::OnToken& on_token) { return session_.ask_again(on_token); });
    } else if (command == "/stats") {
      tell_totals();
    } else if (command == "/clear") {
      session_.clear();
      say("forgotten");
    } else {
      say(fmt::format("no such command: {}; /help lists them", command));
    }
    return true;
  }

  void set_effort(const std::string& word) {
    try {
      if (!word.empty()) session_.set_effort(parse_effort(word, "/effort"));
    } catch (const UsageError& e) {
      return say(e.what());
    }
    const EffortPlan plan = plan_effort(session_.setup().effort, session_.profile());
    if (plan.cap == 0) return say("effort off: no thinking");
    say(fmt::format("effort {}: at most {} tokens of thinking{}", plan.asked, plan.cap, session_.several_samples() ? fmt::format(", up to {} samples", plan.samples) : ""));
  }

  void tell_totals() const {
    const ChatTotals& t = session_.totals();
    say(fmt::format("{} answers in {:.2f} s, {} at ${:g} per core-hour\ntokens: {} of prompts, {} of thinking, {} of answers, {} of samples not given", t.answers, t.seconds,
                    dollars_text(t.dollars), session_.setup().price, t.prompt, t.thinking, t.answer, t.discarded));
  }

  ChatSession& session_;
  bool colour_;
  LineEditor editor_;
};

}  // namespace

void chat_at_terminal(ChatSession& session) { Terminal(session).run(); }

}  // namespace minke
