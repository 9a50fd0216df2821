#include "cli/answer_text.h"

#include <algorithm>
#include <cstdio>

namespace minke {

bool AnswerText::push(int32_t id) {
  text_ += decoder_.push(id);
  return advance(false);
}

void AnswerText::finish() {
  if (stopped_) return;
  text_ += decoder_.flush();
  advance(true);
}

bool AnswerText::advance(bool all) {
  size_t end = text_.size(), hold = 0;
  for (const std::string& s : stop_) {
    const size_t from = shown_ >= s.size() ? shown_ - s.size() : 0;
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
  if (upto > shown_) {
    if (show_) show_(std::string_view(text_).substr(shown_, upto - shown_));
    shown_ = upto;
  }
  return !stopped_;
}

void show_on_stdout(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace minke
