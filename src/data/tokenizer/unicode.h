#pragma once
// UTF-8 steps and the character classes that pre-tokenizers ask for, as the pinned `tokenizers` package sees them
// (unicode_classes.inc, Unicode 16).
#include <cstdint>
#include <string>
#include <string_view>

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

// One step through UTF-8 text. Not kValid: `bytes` is the maximal subpart (Unicode 3.9), which a reader replaces by one
// U+FFFD; kIncomplete: the text ends inside a character that more bytes could complete.
struct Utf8Step {
  enum State : uint8_t { kValid, kInvalid, kIncomplete };
  uint32_t code_point;
  uint8_t bytes;  // >= 1
  State state;
};
Utf8Step utf8_step(const char* p, const char* end);  // REQUIRES p < end

// Appends `bytes` to `out` with every ill-formed part replaced by U+FFFD; returns how many bytes it took. With
// `hold_tail` an incomplete last character is left for later.
size_t append_utf8_lossy(std::string_view bytes, bool hold_tail, std::string* out);

}  // namespace minke
