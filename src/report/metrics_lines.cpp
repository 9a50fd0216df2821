#include "report/metrics_lines.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

// The start of a line as it may stand in an error: printable ASCII.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, 40));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return line.size() > 40 ? text + "..." : text;
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

void for_each_metrics_line(std::string_view text, const std::string& path, const std::function<void(const Json&, const std::string& where)>& add) {
  size_t number = 0;
  bool any = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const bool ended = end < text.size();
    begin = end + 1;
    ++number;
    if (blank(line)) continue;
    if (!Json::accept(line.begin(), line.end())) {
      if (!ended) break;
      fail("{}:{}: expected one JSON object a line, found: {}; remove the line, or all from it on, and try again", path,
           number, shown(line));
    }
    const std::string where = fmt::format("{}:{}", path, number);
    add(parse_json(line, where), where + ": ");
    any = true;
  }
  if (!any) {
    fail(
        "{}: expected at least one whole line (one JSON object a step), found none in {} bytes; has the run finished "
        "its first step?",
        path, text.size());
  }
}

bool is_rl_metrics(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (blank(line)) continue;
    const Json j = Json::parse(line, nullptr, false);
    return j.is_object() && (j.contains("reward/mean") || j.contains("val/pass1"));
  }
  return false;
}

std::vector<double> metric_array(Fields& fields, const char* key, size_t most) {
  std::vector<double> out;
  const Json* value = fields.raw(key);
  if (!value) return out;
  if (!value->is_array() || value->size() > most) fail("{}{}: expected an array of at most {} numbers", fields.where(), key, most);
  for (const Json& item : *value) {
    const double x = item.is_null() ? std::numeric_limits<double>::quiet_NaN() : item.is_number() ? item.get<double>() : HUGE_VAL;
    if (std::abs(x) > kLargestMetric)
      fail("{}{}: expected numbers up to {:g} or null, found {}", fields.where(), key, kLargestMetric, shown(item.dump()));
    out.push_back(x);
  }
  return out;
}

}  // namespace minke
