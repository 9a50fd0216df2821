#include "data/tokenizer/pretokenizer.h"

#include <cstdint>

#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

struct Char {
  uint8_t classes;
  uint8_t bytes;  // 0: no character, the segment ends here
  bool is(int mask) const { return classes & mask; }
};

bool ascii_letter(char c) { return static_cast<unsigned>((c | 32) - 'a') < 26; }

// Text between two pointers, seen through character classes.
struct Scanner {
  const uint8_t* classes = char_classes();
  const char* end;

  Char at(const char* p) const {
    if (p == end) return {0, 0};
    const uint8_t byte = static_cast<uint8_t>(*p);
    if (byte < 0x80) return {classes[byte], 1};
    const Utf8Step step = utf8_step(p, end);
    return {step.state == Utf8Step::kValid ? classes[step.code_point] : uint8_t{0}, step.bytes};
  }
};

// A run of White_Space from p, by the last alternatives \s+(?!\S)|\s+: all of it at the segment's end, else all but its
// last character, but at least one.
template <class At>
const char* blank_piece(const At& at, const char* p) {
  const char* const begin = p;
  const char* last = p;
  for (Char c = at(p); c.is(kSpace); c = at(p)) {
    last = p;
    p += c.bytes;
  }
  return at(p).bytes == 0 || last == begin ? p : last;
}

// Split 3 of DeepSeek-V3 inside one segment:
//   [ASCII punctuation][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ | ?[\p{P}\p{S}]+[\r\n]* | \s*[\r\n]+ |
//   \s+(?!\S) | \s+
// Characters that no alternative takes stay together as a piece, up to the next match.
template <class At>
const char* v3_words(const At& at, const char* p) {
  constexpr int kWord = kLetter | kMark;
  constexpr int kMarkup = kPunctuation | kSymbol;
  const auto run = [&](const char* q, int mask) {
    for (Char c = at(q); c.is(mask); c = at(q)) q += c.bytes;
    return q;
  };
  Char c = at(p);
  const char* next = p + c.bytes;
  Char after = at(next);
  if (c.is(kMarkup)) {
    if (c.bytes == 1 && after.bytes == 1 && ascii_letter(*next)) {
      while (at(next).bytes == 1 && ascii_letter(*next)) ++next;
      return next;
    }
    return run(run(next, kMarkup), kNewline);
  }
  if (c.is(kWord)) return run(next, kWord);
  if (!c.is(kNewline) && after.is(kWord)) return run(next, kWord);
  if (*p == ' ' && after.is(kMarkup)) return run(run(next, kMarkup), kNewline);
  if (c.is(kSpace)) {
    const char* newline_end = nullptr;
    for (const char* q = p; c.is(kSpace); c = at(q)) {
      q += c.bytes;
      if (c.is(kNewline)) newline_end = q;
    }
    return newline_end ? newline_end : blank_piece(at, p);
  }
  while (after.bytes != 0 && !after.is(kWord | kMarkup | kSpace)) {
    const Char second = at(next + after.bytes);
    if (second.is(kWord)) break;  // `after` is the optional first character of a word
    next += after.bytes;
    after = second;
  }
  return next;
}

const char* v3_piece(const Scanner& s, const char* p) {
  Char c = s.at(p);
  if (c.is(kNumber)) {
    for (int digits = 0; digits < 3 && c.is(kNumber); ++digits, c = s.at(p)) p += c.bytes;
    return p;
  }
  const int cjk = c.classes & kCjk;
  return v3_words(
      [&s, cjk](const char* q) {
        const Char d = s.at(q);
        return d.is(kNumber) || (d.classes & kCjk) != cjk ? Char{0, 0} : d;
      },
      p);
}

const char* gpt2_piece(const Scanner& s, const char* p) {
  const std::string_view rest(p, static_cast<size_t>(s.end - p));
  if (*p == '\'') {
    for (const std::string_view suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (rest.starts_with(suffix)) return p + suffix.size();
    }
  }
  Char c = s.at(p);
  const char* q = p;
  if (*p == ' ') {
    const Char after = s.at(p + 1);
    if (after.bytes != 0 && !after.is(kSpace)) {
      q = p + 1;
      c = after;
    }
  }
  if (c.is(kSpace)) return blank_piece([&s](const char* r) { return s.at(r); }, p);
  const int all = kLetter | kNumber | kSpace;
  const int wanted = c.classes & all;
  for (; c.bytes != 0 && (c.classes & all) == wanted; c = s.at(q)) q += c.bytes;
  return q;
}

}  // namespace

std::string_view first_piece(PreTokenizer kind, std::string_view text) {
  Scanner scanner;
  scanner.end = text.data() + text.size();
  const char* begin = text.data();
  const char* end = kind == PreTokenizer::kDeepSeekV3 ? v3_piece(scanner, begin) : gpt2_piece(scanner, begin);
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace minke
