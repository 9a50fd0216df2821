#include "data/tokenizer/byte_alphabet.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

struct Alphabet {
  std::array<uint16_t, 256> character;
  std::array<int16_t, 0x144> byte;
  std::array<uint8_t, 256> in_order;
  Alphabet() {
    byte.fill(-1);
    uint16_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool itself = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      character[b] = itself ? static_cast<uint16_t>(b) : next++;
      byte[character[b]] = static_cast<int16_t>(b);
    }
    std::iota(in_order.begin(), in_order.end(), uint8_t{0});
    std::sort(in_order.begin(), in_order.end(), [this](uint8_t a, uint8_t b) { return character[a] < character[b]; });
  }
};

const Alphabet& alphabet() {
  static const Alphabet table;
  return table;
}

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const uint16_t character = alphabet().character[static_cast<uint8_t>(c)];
    if (character < 0x80) {
      out += static_cast<char>(character);
    } else {
      out += static_cast<char>(0xC0 | character >> 6);
      out += static_cast<char>(0x80 | (character & 0x3F));
    }
  }
  return out;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Utf8Step step = utf8_step(p, end);
    if (step.state != Utf8Step::kValid || step.code_point >= alphabet().byte.size()) return std::nullopt;
    const int16_t byte = alphabet().byte[step.code_point];
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
    p += step.bytes;
  }
  return out;
}

const uint8_t* bytes_in_alphabet_order() { return alphabet().in_order.data(); }

}  // namespace minke
