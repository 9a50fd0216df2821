#pragma once
// What a run cost: tokens, arithmetic, hours, money; and the same arithmetic at the rate that DeepSeek published.
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace minke {

// DeepSeek-V3 report, Table 1 and section 1: $2 an H800-hour. 180K H800-hours for 10^12 tokens of 250.4 GFLOP each (causal attention, at 4K)
// make 386 TFLOP/s an H800, 39% of its BF16 peak.
inline constexpr double kH800DollarsPerHour = 2, kH800FlopPerSecond = 386e12;

struct Bill {
  double tokens = 0, flop = 0, seconds = 0;
  double cores = 1, dollars_per_core_hour = 0;
  double peak_flop_per_second = 0;    // of all cores, measured

  double hours() const { return seconds / 3600; }
  double dollars() const { return hours() * cores * dollars_per_core_hour; }
  double peak_share() const { return seconds > 0 && peak_flop_per_second > 0 ? flop / seconds / peak_flop_per_second : 0; }
  double h800_hours() const { return flop / kH800FlopPerSecond / 3600; }
  double h800_dollars() const { return h800_hours() * kH800DollarsPerHour; }

  std::string text() const;           // two lines
  nlohmann::ordered_json json() const;
};

}  // namespace minke
