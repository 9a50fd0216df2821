#pragma once
// UTF-8, a character at a time.
#include <cstdint>
#include <string>
#include <string_view>

namespace minke {

// One step through UTF-8 text. Not kValid: `bytes` is the maximal subpart (Unicode 3.9), which a reader replaces by one
// U+FFFD; kIncomplete: the text ends inside a character that more bytes could complete.
struct Utf8Step {
  enum State : uint8_t { kValid, kInvalid, kIncomplete };
  uint32_t code_point;
  uint8_t bytes;  // >= 1
  State state;
};
Utf8Step utf8_step(const char* p, const char* end);  // REQUIRES p < end

void append_utf8(uint32_t code_point, std::string* out);  // REQUIRES a Unicode scalar value

}  // namespace minke
