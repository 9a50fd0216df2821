#include "data/tokenizer/unicode.h"

#include <cstddef>
#include <iterator>
#include <vector>

namespace minke {
namespace {

struct ClassRun {
  uint32_t first;
  uint8_t classes;
};
constexpr ClassRun kRuns[] = {
#include "data/tokenizer/unicode_classes.inc"
};

std::vector<uint8_t> expand_runs() {
  std::vector<uint8_t> classes(0x110000);
  for (size_t i = 0; i < std::size(kRuns); ++i) {
    const uint32_t end = i + 1 < std::size(kRuns) ? kRuns[i + 1].first : 0x110000;
    for (uint32_t c = kRuns[i].first; c < end; ++c) classes[c] = kRuns[i].classes;
  }
  for (uint32_t c = 0x4E00; c <= 0x9FA5; ++c) classes[c] |= kCjk;
  for (uint32_t c = 0x3040; c <= 0x30FF; ++c) classes[c] |= kCjk;
  classes['\r'] |= kNewline;
  classes['\n'] |= kNewline;
  return classes;
}

}  // namespace

const uint8_t* char_classes() {
  static const std::vector<uint8_t> classes = expand_runs();
  return classes.data();
}

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

size_t append_utf8_lossy(std::string_view bytes, bool hold_tail, std::string* out) {
  const char* const end = bytes.data() + bytes.size();
  const char* p = bytes.data();
  while (p < end) {
    const Utf8Step step = utf8_step(p, end);
    if (step.state == Utf8Step::kIncomplete && hold_tail) break;
    if (step.state == Utf8Step::kValid) {
      out->append(p, step.bytes);
    } else {
      out->append("\xEF\xBF\xBD");
    }
    p += step.bytes;
  }
  return static_cast<size_t>(p - bytes.data());
}

}  // namespace minke
