#pragma once
// The text being typed, its cursor and the lines before it. Knows nothing of a terminal.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

class LineBuffer {
 public:
  const std::string& text() const { return text_; }   // UTF-8; pasted text may hold line ends
  size_t cursor() const { return cursor_; }           // in bytes, between characters

  void clear();
  void insert(std::string_view utf8);                 // what is not UTF-8 is left out, control characters but '\n' too
  void erase_before();                                // one character
  void erase_at();
  void erase_word();                                  // the one before the cursor
  void erase_to_end();
  void erase_to_start();
  void left();
  void right();
  void word_left();
  void word_right();
  void home() { cursor_ = 0; }
  void end() { cursor_ = text_.size(); }

  void remember(const std::string& line);             // the newest of the history; empty ones and repetitions are not
  void older();                                       // the text becomes an earlier line; what was typed is kept as the newest
  void newer();

 private:
  void show(size_t entry);
  std::string text_;
  size_t cursor_ = 0;
  std::vector<std::string> history_;
  size_t entry_ = 0;                                  // shown; history_.size(): what is being typed
  std::string typed_;
};

// One character of UTF-8 at `at`: its bytes and how many columns it takes (0 combining, 2 wide). Bytes that are not UTF-8 stand alone.
struct TextCharacter {
  size_t bytes = 1;
  int columns = 1;
  bool valid = true;
};
TextCharacter character_at(std::string_view text, size_t at);

}  // namespace minke
