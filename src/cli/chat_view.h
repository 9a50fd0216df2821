#pragma once
// An answer on its way to the screen: the thought, then what is said. Stop texts are looked for in the answer, never in the thought.
#include <string>
#include <vector>

#include "cli/answer_text.h"
#include "cli/chat_session.h"

namespace minke {

enum class ChatStyle {
  kTags,    // <think> and </think> around the thought
  kDim,     // the thought dim, on a terminal
  kSilent,  // nothing
};

class AnswerView {
 public:
  // Of the session's next question.
  AnswerView(const ChatSession& session, ChatStyle style);

  void push(size_t sample, int32_t id, bool thinking);
  // What is not on the screen yet: with several samples all of the one that speaks.
  void finish(const AskResult& result);

 private:
  void show(int32_t id, bool thinking);
  void write(std::string_view text) const;

  const Tokenizer& tokenizer_;
  ChatStyle style_;
  bool several_, thinking_;      // several: which one speaks is known at the end, until then a count is shown
  bool opened_ = false, at_line_start_ = false;
  AnswerText thought_, answer_;
  int64_t tokens_ = 0;
  size_t samples_ = 0;
};

// One line for people: "thinking 56 tokens, answer 12, 0.42 s, $0.0000047, high", and why it ended where it did not by itself.
std::string cost_text(const ChatReply& reply);

}  // namespace minke
