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
