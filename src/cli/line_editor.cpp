#include "cli/line_editor.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "base/interrupt.h"
#include "cli/answer_text.h"

namespace minke {
namespace {

constexpr int kNothing = -1;  // of key(): end of input, or no key in time
constexpr int kEscapeMs = 50;  // after which an escape is no longer the beginning of a key
constexpr int ctrl(char c) { return c & 0x1F; }

// Keys one at a time, without echo; pastes are marked.
class RawMode {
 public:
  RawMode() {
    tcgetattr(STDIN_FILENO, &before_);
    enter();
  }
  ~RawMode() { leave(); }
  void enter() {
    termios raw = before_;
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    show_on_stdout("\033[?2004h");
  }
  void leave() {
    show_on_stdout("\033[?2004l");
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }

 private:
  termios before_{};
};

int screen_columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

bool draws(int fd) {
  const char* term = std::getenv("TERM");
  return isatty(fd) && term && *term && std::strcmp(term, "dumb") != 0;
}

int LineEditor::key(int wait_ms) {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  int ready = 0;
  do ready = poll(&in, 1, wait_ms);  // returns on a signal, where read would go on
  while (ready < 0 && errno == EINTR && !interrupted());
  if (ready <= 0) return kNothing;
  unsigned char c = 0;
  return ::read(STDIN_FILENO, &c, 1) == 1 ? c : kNothing;
}

// From the prompt's first row: prompt and text, broken where the screen ends, then the cursor to its place.
void LineEditor::draw(const std::string& prompt) {
  const int width = screen_columns();
  std::string out = row_ > 0 ? "\r\033[" + std::to_string(row_) + "A\033[J" : "\r\033[J";
  int row = 0, column = 0, cursor_row = 0, cursor_column = 0;
  const auto line_end = [&] {
    out += "\r\n";
    ++row;
    column = 0;
  };
  const auto put = [&](std::string_view text, bool typed) {
    for (size_t at = 0; at < text.size();) {
      const TextCharacter c = character_at(text, at);
      if (column + c.columns > width) line_end();
      if (typed && at == buffer_.cursor()) cursor_row = row, cursor_column = column;
      if (text[at] == '\n') {
        line_end();
      } else {
        out += c.valid ? text.substr(at, c.bytes) : "?";
        column += c.columns;
      }
      at += c.bytes;
    }
  };
  put(prompt, false);
  put(buffer_.text(), true);
  if (column == width) line_end();
  if (buffer_.cursor() == buffer_.text().size()) cursor_row = row, cursor_column = column;
  if (row > cursor_row) out += "\033[" + std::to_string(row - cursor_row) + "A";
  out += "\r";
  if (cursor_column > 0) out += "\033[" + std::to_string(cursor_column) + "C";
  row_ = cursor_row;
  show_on_stdout(out);
}

// What follows ESC [200~, up to ESC [201~.
void LineEditor::paste() {
  static constexpr std::string_view kEnd = "\033[201~";
  std::string text;
  while (!text.ends_with(kEnd)) {
    const int c = key(-1);
    if (c == kNothing) return;
    text += c == '\r' ? '\n' : char(c);
  }
  text.resize(text.size() - kEnd.size());
  buffer_.insert(text);
}

// The rest of a key that begins with ESC.
void LineEditor::escape() {
  const int first = key(kEscapeMs);
  if (first == 'b') return buffer_.word_left();
  if (first == 'f') return buffer_.word_right();
  if (first == 127 || first == ctrl('H')) return buffer_.erase_word();
  if (first != '[' && first != 'O') return;
  std::string code;
  for (int c = key(kEscapeMs); c != kNothing; c = key(kEscapeMs)) {
    code += char(c);
    if (c >= 0x40 && c <= 0x7E) break;
  }
  if (code == "200~") return paste();
  if (code == "A") return buffer_.older();
  if (code == "B") return buffer_.newer();
  if (code == "C") return buffer_.right();
  if (code == "D") return buffer_.left();
  if (code == "H" || code == "1~" || code == "7~") return buffer_.home();
  if (code == "F" || code == "4~" || code == "8~") return buffer_.end();
  if (code == "3~") return buffer_.erase_at();
  if (code == "1;5C" || code == "1;3C") return buffer_.word_right();
  if (code == "1;5D" || code == "1;3D") return buffer_.word_left();
}

LineEnd LineEditor::edit(const std::string& prompt) {
  RawMode raw;
  buffer_.clear();
  row_ = 0;
  const auto leave_text = [&] {  // the cursor goes below it
    buffer_.end();
    draw(prompt);
    show_on_stdout("\r\n");
  };
  for (;;) {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    if (poll(&in, 1, 0) == 0) draw(prompt);  // not between keys that are there already
    const int c = key(-1);
    switch (c) {
      case kNothing: leave_text(); return LineEnd::kClosed;
      case '\r':
      case '\n': leave_text(); return LineEnd::kEntered;
      case ctrl('C'): leave_text(); return LineEnd::kAbandoned;
      case ctrl('D'):
        if (buffer_.text().empty()) {
          leave_text();
          return LineEnd::kClosed;
        }
        buffer_.erase_at();
        break;
      case ctrl('Z'):
        leave_text();
        raw.leave();
        raise(SIGTSTP);
        raw.enter();
        row_ = 0;
        break;
      case 127:
      case ctrl('H'): buffer_.erase_before(); break;
      case ctrl('W'): buffer_.erase_word(); break;
      case ctrl('K'): buffer_.erase_to_end(); break;
      case ctrl('U'): buffer_.erase_to_start(); break;
      case ctrl('A'): buffer_.home(); break;
      case ctrl('E'): buffer_.end(); break;
      case ctrl('B'): buffer_.left(); break;
      case ctrl('F'): buffer_.right(); break;
      case ctrl('P'): buffer_.older(); break;
      case ctrl('N'): buffer_.newer(); break;
      case ctrl('L'):
        show_on_stdout("\033[H\033[2J");
        row_ = 0;
        break;
      case '\t': buffer_.insert(" "); break;
      case 27: escape(); break;
      default: {
        std::string character(1, char(c));
        const size_t bytes = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        while (character.size() < bytes) {
          const int next = key(kEscapeMs);
          if (next == kNothing) break;
          character += char(next);
        }
        buffer_.insert(character);
      }
    }
  }
}

LineEnd LineEditor::read(const std::string& prompt, std::string* line) {
  if (!draws(STDOUT_FILENO)) {
    show_on_stdout(prompt);
    return std::getline(std::cin, *line) && !interrupted() ? LineEnd::kEntered : LineEnd::kClosed;
  }
  const LineEnd end = edit(prompt);
  *line = buffer_.text();
  if (end == LineEnd::kEntered) buffer_.remember(*line);
  return end;
}

}  // namespace minke
