#include "base/unicode_text.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"

namespace minke {
namespace {

struct Decomposition {
  uint32_t code_point, a, b;  // b 0: one part
  bool composes;
};
struct CombiningRun {
  uint32_t first, last;
  uint8_t combining_class;
};
struct LowerRun {
  uint32_t first, last;
  int32_t add;
  uint32_t step;
};
#include "base/unicode_tables.inc"

// Hangul syllables are arithmetic (Unicode 3.12).
constexpr uint32_t kS = 0xAC00, kL = 0x1100, kV = 0x1161, kT = 0x11A7, kLCount = 19, kVCount = 21, kTCount = 28;
constexpr uint32_t kSCount = kLCount * kVCount * kTCount;

// The run that may hold `c`: the last that begins at or before it.
template <class Run, size_t N>
const Run* run_of(const Run (&runs)[N], uint32_t c) {
  const Run* after = std::upper_bound(std::begin(runs), std::end(runs), c, [](uint32_t x, const Run& r) { return x < r.first; });
  return after != std::begin(runs) && c <= after[-1].last ? after - 1 : nullptr;
}

uint8_t combining_class(uint32_t c) {
  const CombiningRun* run = run_of(kCombining, c);
  return run ? run->combining_class : 0;
}

uint32_t lower(uint32_t c) {
  const LowerRun* run = run_of(kLower, c);
  return run && (c - run->first) % run->step == 0 ? uint32_t(int32_t(c) + run->add) : c;
}

void decompose(uint32_t c, std::vector<uint32_t>& out) {
  if (c - kS < kSCount) {
    const uint32_t s = c - kS;
    out.push_back(kL + s / (kVCount * kTCount));
    out.push_back(kV + s % (kVCount * kTCount) / kTCount);
    if (s % kTCount) out.push_back(kT + s % kTCount);
    return;
  }
  const auto at = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), c,
                                   [](const Decomposition& d, uint32_t x) { return d.code_point < x; });
  if (at == std::end(kDecompositions) || at->code_point != c) return out.push_back(c);
  decompose(at->a, out);
  if (at->b) decompose(at->b, out);
}

uint32_t compose(uint32_t a, uint32_t b) {  // 0: they stay apart
  if (a - kL < kLCount && b - kV < kVCount) return kS + ((a - kL) * kVCount + (b - kV)) * kTCount;
  if (a - kS < kSCount && (a - kS) % kTCount == 0 && b - kT - 1 < kTCount - 1) return a + (b - kT);
  static const std::unordered_map<uint64_t, uint32_t> pairs = [] {
    std::unordered_map<uint64_t, uint32_t> map;
    for (const Decomposition& d : kDecompositions)
      if (d.composes) map[uint64_t(d.a) << 32 | d.b] = d.code_point;
    return map;
  }();
  const auto found = pairs.find(uint64_t(a) << 32 | b);
  return found == pairs.end() ? 0 : found->second;
}

std::vector<uint32_t> composed(std::vector<uint32_t> text) {
  for (size_t i = 0; i < text.size();) {  // marks in the order of their classes, between characters of class 0
    size_t end = i + 1;
    while (end < text.size() && combining_class(text[end])) ++end;
    const size_t first = combining_class(text[i]) ? i : i + 1;
    std::stable_sort(text.begin() + int64_t(first), text.begin() + int64_t(end),
                     [](uint32_t a, uint32_t b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
  std::vector<uint32_t> out;
  size_t starter = SIZE_MAX;
  for (const uint32_t c : text) {
    const uint8_t k = combining_class(c);
    // A mark reaches the starter past marks of lower classes only.
    const bool reaches = starter != SIZE_MAX && (starter + 1 == out.size() || (k != 0 && combining_class(out.back()) < k));
    if (reaches) {
      if (const uint32_t joined = compose(out[starter], c)) {
        out[starter] = joined;
        continue;
      }
    }
    if (k == 0) starter = out.size();
    out.push_back(c);
  }
  return out;
}

std::vector<uint32_t> composed_text(std::string_view utf8) {
  std::vector<uint32_t> parts;
  for (const char *p = utf8.data(), *end = p + utf8.size(); p < end;) {
    const Utf8Step step = utf8_step(p, end);
    decompose(step.state == Utf8Step::kValid ? step.code_point : 0xFFFD, parts);
    p += step.bytes;
  }
  return composed(std::move(parts));
}

std::string encoded(const std::vector<uint32_t>& text) {
  std::string out;
  for (const uint32_t c : text) append_utf8(c, &out);
  return out;
}

bool white(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace

std::string nfc(std::string_view utf8) { return encoded(composed_text(utf8)); }

std::string_view trimmed(std::string_view utf8) {
  size_t first = utf8.size(), last = 0;
  for (const char *begin = utf8.data(), *p = begin, *end = p + utf8.size(); p < end;) {
    const Utf8Step step = utf8_step(p, end);
    if (step.state != Utf8Step::kValid || !white(step.code_point)) {
      first = std::min(first, size_t(p - begin));
      last = size_t(p - begin) + step.bytes;
    }
    p += step.bytes;
  }
  return first < last ? utf8.substr(first, last - first) : std::string_view();
}

std::string comparable_text(std::string_view utf8) {
  std::vector<uint32_t> text = composed_text(trimmed(utf8)), parts;
  for (const uint32_t c : text) decompose(lower(c), parts);
  return encoded(composed(std::move(parts)));
}

}  // namespace minke
