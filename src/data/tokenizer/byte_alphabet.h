#pragma once
// GPT-2's byte alphabet: tokenizer.json writes every byte as one printable character. 0x21-0x7E, 0xA1-0xAC and
// 0xAE-0xFF stand for themselves; the 68 others, in ascending order, become U+0100, U+0101, ... (space is U+0120,
// newline U+010A).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace minke {

std::string to_byte_alphabet(std::string_view bytes);
std::optional<std::string> from_byte_alphabet(std::string_view text);  // nothing if a character is outside the alphabet

// The 256 bytes in the order of their characters: the order of the first tokens in GPT-2's and DeepSeek's vocabularies.
const uint8_t* bytes_in_alphabet_order();  // [256]

}  // namespace minke
