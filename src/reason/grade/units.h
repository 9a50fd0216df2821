#pragma once
// The fixed list of units that may stand behind (or, money, before) a number.
#include <string>
#include <string_view>

namespace minke::grading {

// One name for all spellings: "cm", "centimeters" -> "cm"; "" for what is no unit. Case counts only in single letters.
std::string_view unit_name(std::string_view word);
bool unit_prefix(std::string_view word);  // square, cubic, sq, cu: say a power, as ^2 does

}  // namespace minke::grading
