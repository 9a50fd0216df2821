#pragma once
// An answer as it grows: ids become text, stop strings are looked for, and what can no longer change is handed on at once.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace minke {

class AnswerText {
 public:
  // `show` (may be empty) gets the text in pieces as soon as it is certain: whole characters, nothing that may begin a stop string.
  AnswerText(const Tokenizer& tokenizer, const std::vector<std::string>& stop, std::function<void(std::string_view)> show)
      : decoder_(tokenizer, true), stop_(stop), show_(std::move(show)) {}

  // False when a stop string was reached; the text ends before it.
  bool push(int32_t id);
  void finish();
  const std::string& text() const { return text_; }
  bool stopped() const { return stopped_; }

 private:
  bool advance(bool all);

  StreamDecoder decoder_;
  std::vector<std::string> stop_;
  std::function<void(std::string_view)> show_;
  std::string text_;
  size_t shown_ = 0;
  bool stopped_ = false;
};

// Writes to stdout at once.
void show_on_stdout(std::string_view text);

}  // namespace minke
