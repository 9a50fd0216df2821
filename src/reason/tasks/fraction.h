#pragma once
// Fractions in lowest terms, for golds.
#include <cstdint>
#include <string>

namespace minke {

struct Fraction {
  int64_t above, below;  // below > 0, no common factor
};
Fraction reduced(int64_t above, int64_t below);  // below != 0
std::string written(Fraction f);                 // "3", "-7/2"

}  // namespace minke
