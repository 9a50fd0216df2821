#pragma once
// The character classes that pre-tokenizers ask for, as the pinned `tokenizers` package sees them (unicode_classes.inc,
// Unicode 16), over UTF-8.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace minke {

// Bits of a character's class. kCjk is DeepSeek-V3's second Split, [U+4E00-9FA5 U+3040-30FF]; kNewline is \r and \n.
enum CharClass : uint8_t {
  kLetter = 1,
  kMark = 2,
  kNumber = 4,
  kPunctuation = 8,
  kSymbol = 16,
  kSpace = 32,  // \s, Unicode's White_Space
  kCjk = 64,
  kNewline = 128,
};

// The class of every code point, [0x110000].
const uint8_t* char_classes();

// Appends `bytes` to `out` with every ill-formed part replaced by U+FFFD; returns how many bytes it took. With
// `hold_tail` an incomplete last character is left for later.
size_t append_utf8_lossy(std::string_view bytes, bool hold_tail, std::string* out);

}  // namespace minke
