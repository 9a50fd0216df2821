#pragma once
// Texts compared as people read them: composed characters, without blanks around, in lower case.
#include <string>
#include <string_view>

namespace minke {

// Normalization form C (Unicode 3.11, tables of Unicode 14): canonical decomposition, marks in order, composition, Hangul included.
// Ill-formed parts become U+FFFD.
std::string nfc(std::string_view utf8);

// Without white space at both ends (Unicode's White_Space).
std::string_view trimmed(std::string_view utf8);

// NFC, trimmed, lower case. Lower case is the mapping of one character to one: U+0130, which needs two, stays.
std::string comparable_text(std::string_view utf8);

}  // namespace minke
