#include "reason/pace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace minke {

std::span<const Pace> paces() {
  static constexpr Pace kPaces[] = {{"minimal", 1.0 / 64}, {"low", 1.0 / 16}, {"medium", 1.0 / 4}, {"high", 1}};
  return kPaces;
}

const Pace& find_pace(std::string_view name, std::string_view where) {
  for (const Pace& pace : paces())
    if (name == pace.name) return pace;
  usage_fail("{} {}: expected minimal, low, medium or high", where, name);
}

int64_t pace_budget(const Pace& pace, int64_t full_budget) { return std::max<int64_t>(int64_t(double(full_budget) * pace.share), 1); }

std::string pace_tag(const char* name) { return fmt::format("effort: {}", name); }

}  // namespace minke
