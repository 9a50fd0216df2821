#pragma once
// A metrics.jsonl as text: one JSON object a line, whatever kind of run wrote it.
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

namespace minke {

inline constexpr double kLargestMetric = 1e12;  // past it there is a mistake, not a measurement
inline constexpr int64_t kMostMetricTokens = int64_t(1) << 53;

// Calls `add` with every line's object and "PATH:LINE: ". A last line without a line end that is no JSON is a write in progress and left
// out. Error (path:line) on another line that is no JSON object, and where there is no whole line at all.
void for_each_metrics_line(std::string_view text, const std::string& path,
                           const std::function<void(const nlohmann::ordered_json&, const std::string& where)>& add);

// Does the first line come from `minke rl` or `minke learn`?
bool is_rl_metrics(std::string_view text);

// The values of an array, null as NaN; absent or null: none. Error on anything else, and on more than `most`.
std::vector<double> metric_array(Fields& fields, const char* key, size_t most);

}  // namespace minke
