#include "reason/grade/units.h"

#include <algorithm>
#include <map>

namespace minke::grading {

namespace {

using Table = std::map<std::string, std::string, std::less<>>;

// First the name, then its other spellings; a final s is understood.
constexpr const char* kUnits[] = {
    "m meter metre", "cm centimeter centimetre", "mm millimeter millimetre", "km kilometer kilometre", "inch in inches", "foot ft feet", "yard yd", "mile mi",
    "second s sec", "minute min", "hour h hr", "day", "week", "month", "year yr", "ms millisecond", "decade", "century centuries",
    "dollar usd buck", "cent", "euro eur", "rupee", "yen", "dime", "nickel", "penny pennies", "quarter",
    "g gram", "kg kilogram", "mg milligram", "pound lb", "ounce oz", "ton tonne",
    "l liter litre", "ml milliliter millilitre", "gallon gal", "quart qt", "pint pt", "cup",
    "degree deg", "radian rad", "celsius", "fahrenheit", "mph", "kph", "unit", "acre", "hectare", "people person", "percent",
    "newton", "joule", "watt", "volt", "hz hertz", "pa pascal", "mol mole",
};

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c + 32);
  return out;
}

Table table() {
  Table out;
  for (const char* row : kUnits) {
    const std::string words = row;
    const std::string name = words.substr(0, words.find(' '));
    for (size_t at = 0; at < words.size();) {
      const size_t end = std::min(words.find(' ', at), words.size());
      const std::string word = words.substr(at, end - at);
      out.emplace(word, name);
      if (word.size() > 1) out.emplace(word + "s", name);
      at = end + 1;
    }
  }
  out.emplace("L", "l");
  return out;
}

}  // namespace

std::string_view unit_name(std::string_view word) {
  static const Table units = table();
  const auto found = word.size() == 1 ? units.find(word) : units.find(lower(word));
  return found == units.end() ? std::string_view() : std::string_view(found->second);
}

bool unit_prefix(std::string_view word) {
  const std::string w = lower(word);
  return w == "square" || w == "cubic" || w == "sq" || w == "cu";
}

}  // namespace minke::grading
