#pragma once
// Lines typed at a terminal: arrows, history, words, pasted blocks, text wider than the screen. Escape codes that every terminal of the last
// decades understands stand in the source: no terminfo and no locale, so that a static binary edits UTF-8 in an empty root. On a dumb
// terminal (TERM=dumb or none) lines are read as they come.
#include <string>

#include "cli/line_buffer.h"

namespace minke {

enum class LineEnd {
  kEntered,
  kClosed,     // Ctrl-D on an empty line, end of input, SIGTERM
  kAbandoned,  // Ctrl-C
};

class LineEditor {
 public:
  // The terminal is in its own mode again when this returns. Every line entered joins the history.
  LineEnd read(const std::string& prompt, std::string* line);

 private:
  LineEnd edit(const std::string& prompt);
  void draw(const std::string& prompt);
  void escape();
  void paste();
  int key(int wait_ms);

  LineBuffer buffer_;
  int row_ = 0;  // of the cursor, below the prompt's first
};

// A terminal that understands escape codes.
bool draws(int fd);

}  // namespace minke
