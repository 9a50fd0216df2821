#include "cli/chat_view.h"

#include <algorithm>

namespace minke {

AnswerView::AnswerView(const ChatSession& session, ChatStyle style)
    : tokenizer_(session.tokenizer()), style_(style), several_(session.several_samples()), thinking_(session.thinks()),
      thought_(tokenizer_, {}, [this](std::string_view t) { write(t); at_line_start_ = t.ends_with('\n'); }),
      answer_(tokenizer_, session.setup().sampling.stop, [this](std::string_view t) { write(t); }) {}

void AnswerView::write(std::string_view text) const {
  if (style_ != ChatStyle::kSilent) show_on_stdout(text);
}

void AnswerView::push(size_t sample, int32_t id, bool thinking) {
  if (!several_) return show(id, thinking);
  ++tokens_;
  samples_ = std::max(samples_, sample + 1);
  constexpr int64_t kEvery = 8;  // tokens
  if (style_ == ChatStyle::kDim && tokens_ % kEvery == 1)
    write(fmt::format("\r\033[K\033[2m{} sample{}, {} tokens\033[0m", samples_, samples_ == 1 ? "" : "s", tokens_));
}

void AnswerView::show(int32_t id, bool thinking) {
  if (!opened_ && thinking) write(style_ == ChatStyle::kDim ? "\033[2m" : "<think>\n");
  if (!opened_) at_line_start_ = true;
  opened_ = true;
  const bool closes = thinking && id == end_of_thinking_id(tokenizer_);
  thinking_ = thinking && !closes;
  if (!thinking) {
    answer_.push(id);
  } else if (!closes) {
    thought_.push(id);
  } else {
    thought_.finish();
    if (!at_line_start_) write("\n");
    write(style_ == ChatStyle::kDim ? "\033[0m" : "</think>\n");
  }
}

void AnswerView::finish(const AskResult& result) {
  if (several_) {
    if (style_ == ChatStyle::kDim && tokens_ > 0) write("\r\033[K");
    bool thinking = result.sample().cap > 0;
    for (const int32_t id : result.sample().ids) {
      if (result.abstained && !thinking) break;
      show(id, thinking);
      thinking = thinking && id != end_of_thinking_id(tokenizer_);
    }
    if (result.abstained) write(result.sample().said.answer);
  }
  const bool cut = opened_ && thinking_;  // in its thought
  (cut ? thought_ : answer_).finish();
  write(cut && style_ == ChatStyle::kDim ? "\033[0m\n" : "\n");
}

std::string cost_text(const ChatReply& reply) {
  const AskSample& s = reply.result.sample();
  const EffortSpent& e = reply.result.effort;
  std::string text = s.cap > 0 ? fmt::format("thinking {} tokens, answer {}", s.thinking, s.answer) : fmt::format("answer {} tokens", s.answer);
  if (e.samples > 1) text += fmt::format(", {} samples (the others {} tokens)", e.samples, e.discarded);
  text += fmt::format(", {:.2f} s, {}, {}", reply.seconds, dollars_text(reply.dollars), e.asked);
  if (e.applied != e.asked) text += fmt::format(" ({})", e.applied);
  switch (e.exit) {
    case EffortExit::kOwn: break;
    case EffortExit::kCap: text += fmt::format(": thought ended at {} tokens", s.cap); break;
    case EffortExit::kConfident: text += ": confident"; break;
    case EffortExit::kVerified: text += ": verified"; break;
    case EffortExit::kAgreed: text += ": they agree"; break;
    case EffortExit::kCeiling: text += reply.result.abstained ? ": too few agree" : ": no more samples"; break;
    case EffortExit::kLength: text += ": answer cut at its limit (-n)"; break;
    case EffortExit::kCancelled: text += ": stopped"; break;
  }
  return text;
}

}  // namespace minke
