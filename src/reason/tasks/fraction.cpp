#include "reason/tasks/fraction.h"

#include <fmt/format.h>

#include <numeric>

namespace minke {

Fraction reduced(int64_t above, int64_t below) {
  const int64_t g = std::gcd(above, below) * (below < 0 ? -1 : 1);
  return {above / g, below / g};
}

std::string written(Fraction f) { return f.below == 1 ? std::to_string(f.above) : fmt::format("{}/{}", f.above, f.below); }

}  // namespace minke
