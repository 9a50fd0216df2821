#include "cli/line_buffer.h"

#include <algorithm>
#include <cstdint>

namespace minke {
namespace {

// Without a locale: East Asian wide and emoji, and marks that sit on the character before.
int columns_of(char32_t c) {
  struct Range {
    char32_t first, last;
    int columns;
  };
  static constexpr Range kRanges[] = {{0x300, 0x36F, 0},     {0x1100, 0x115F, 2},   {0x200B, 0x200F, 0},   {0x20D0, 0x20FF, 0}, {0x2E80, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},
                                      {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},   {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2}, {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2},
                                      {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2}};
  for (const Range& r : kRanges)
    if (c >= r.first && c <= r.last) return r.columns;
  return 1;
}

bool continues(char byte) { return (uint8_t(byte) & 0xC0) == 0x80; }

}  // namespace

TextCharacter character_at(std::string_view text, size_t at) {
  const uint8_t lead = uint8_t(text[at]);
  if (lead < 0x80) return {1, 1, true};
  const size_t bytes = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (bytes == 0 || at + bytes > text.size()) return {1, 1, false};
  char32_t c = lead & (0x7F >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if (!continues(text[at + i])) return {1, 1, false};
    c = c << 6 | (uint8_t(text[at + i]) & 0x3F);
  }
  const bool valid = !(bytes == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) && !(bytes == 4 && (c < 0x10000 || c > 0x10FFFF));
  return valid ? TextCharacter{bytes, columns_of(c), true} : TextCharacter{1, 1, false};
}

void LineBuffer::clear() {
  text_.clear();
  cursor_ = 0;
  entry_ = history_.size();
}

void LineBuffer::insert(std::string_view utf8) {
  std::string clean;
  for (size_t at = 0; at < utf8.size();) {
    const TextCharacter c = character_at(utf8, at);
    const uint8_t byte = uint8_t(utf8[at]);
    if (c.valid && (byte == '\n' || (byte >= 0x20 && byte != 0x7F))) clean += utf8.substr(at, c.bytes);
    at += c.bytes;
  }
  text_.insert(cursor_, clean);
  cursor_ += clean.size();
}

void LineBuffer::left() {
  if (cursor_ > 0) --cursor_;
  while (cursor_ > 0 && continues(text_[cursor_])) --cursor_;
}

void LineBuffer::right() {
  if (cursor_ < text_.size()) cursor_ += character_at(text_, cursor_).bytes;
}

void LineBuffer::word_left() {
  while (cursor_ > 0 && text_[cursor_ - 1] == ' ') left();
  while (cursor_ > 0 && text_[cursor_ - 1] != ' ') left();
}

void LineBuffer::word_right() {
  while (cursor_ < text_.size() && text_[cursor_] == ' ') right();
  while (cursor_ < text_.size() && text_[cursor_] != ' ') right();
}

void LineBuffer::erase_before() {
  const size_t end = cursor_;
  left();
  text_.erase(cursor_, end - cursor_);
}

void LineBuffer::erase_at() {
  if (cursor_ < text_.size()) text_.erase(cursor_, character_at(text_, cursor_).bytes);
}

void LineBuffer::erase_word() {
  const size_t end = cursor_;
  word_left();
  text_.erase(cursor_, end - cursor_);
}

void LineBuffer::erase_to_end() { text_.erase(cursor_); }

void LineBuffer::erase_to_start() {
  text_.erase(0, cursor_);
  cursor_ = 0;
}

void LineBuffer::remember(const std::string& line) {
  if (!line.empty() && (history_.empty() || history_.back() != line)) history_.push_back(line);
  entry_ = history_.size();
}

void LineBuffer::show(size_t entry) {
  if (entry_ == history_.size()) typed_ = text_;
  entry_ = entry;
  text_ = entry == history_.size() ? typed_ : history_[entry];
  cursor_ = text_.size();
}

void LineBuffer::older() {
  if (entry_ > 0) show(entry_ - 1);
}

void LineBuffer::newer() {
  if (entry_ < history_.size()) show(entry_ + 1);
}

}  // namespace minke
