#include "base/utf8.h"

namespace minke {

Utf8Step utf8_step(const char* p, const char* end) {
  const uint8_t lead = static_cast<uint8_t>(*p);
  if (lead < 0x80) return {lead, 1, Utf8Step::kValid};
  if (lead < 0xC2 || lead > 0xF4) return {0, 1, Utf8Step::kInvalid};
  const int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's bounds keep out overlong forms, surrogates and values past U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  uint32_t code_point = lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    if (p + i == end) return {0, static_cast<uint8_t>(i), Utf8Step::kIncomplete};
    const uint8_t byte = static_cast<uint8_t>(p[i]);
    if (byte < low || byte > high) return {0, static_cast<uint8_t>(i), Utf8Step::kInvalid};
    code_point = code_point << 6 | (byte & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, static_cast<uint8_t>(length), Utf8Step::kValid};
}

void append_utf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(char(c));
  } else if (c < 0x800) {
    out->append({char(0xC0 | c >> 6), char(0x80 | (c & 0x3F))});
  } else if (c < 0x10000) {
    out->append({char(0xE0 | c >> 12), char(0x80 | (c >> 6 & 0x3F)), char(0x80 | (c & 0x3F))});
  } else {
    out->append({char(0xF0 | c >> 18), char(0x80 | (c >> 12 & 0x3F)), char(0x80 | (c >> 6 & 0x3F)), char(0x80 | (c & 0x3F))});
  }
}

}  // namespace minke
