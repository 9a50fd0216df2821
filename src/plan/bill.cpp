#include "plan/bill.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace minke {
namespace {

// 1.23e15 -> "1.23 PFLOP"
std::string flop_text(double flop) {
  const char* units[] = {"FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP", "ZFLOP", "YFLOP"};
  int i = 0;
  while (flop >= 999.5 && i < 8) flop /= 1000, ++i;
  return fmt::format("{:.3g} {}", flop, units[i]);
}

}  // namespace

std::string Bill::text() const {
  return fmt::format(
      "bill     {:.0f} tokens, {}, {:.1f}% of the peak; {:.3g} hours on {:.0f} threads at ${:g} a core-hour: ${:.3g}\n"
      "         the same FLOPs at ${:g} an H800-hour and {:.0f} TFLOP/s (DeepSeek-V3): {:.3g} hours, ${:.3g}",
      tokens, flop_text(flop), 100 * peak_share(), hours(), cores, dollars_per_core_hour, dollars(), kH800DollarsPerHour, kH800FlopPerSecond / 1e12, h800_hours(),
      h800_dollars());
}

nlohmann::ordered_json Bill::json() const {
  return {{"tokens", tokens},   {"flop", flop},           {"peak_share", peak_share()}, {"hours", hours()},
          {"dollars", dollars()}, {"h800_hours", h800_hours()}, {"h800_dollars", h800_dollars()}};
}

}  // namespace minke
