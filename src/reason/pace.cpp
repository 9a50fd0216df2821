#include "reason/pace.h"

#include <fmt/format.h>

namespace minke {

std::span<const Pace> paces() {
  static constexpr Pace kPaces[] = {{"minimal", 1.0 / 64}, {"low", 1.0 / 16}, {"medium", 1.0 / 4}, {"high", 1}};
  return kPaces;
}

std::string pace_tag(const char* name) { return fmt::format("effort: {}", name); }

}  // namespace minke
