#include "base/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace minke {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kMaxDepth = 64;

// A value as it is shown in an error: short, one line, valid UTF-8.
std::string shown(const Json& value) {
  std::string text = value.is_structured() ? (value.is_array() ? "an array" : "an object")
                                           : value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string_view>& choices) {
  std::string out;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i) out += i + 1 == choices.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", choices[i]);
  }
  return out;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& path) {
  // The parser itself does not recurse; values are bounded so that nothing after it (dump, destructors) recurses deeply either.
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) fail("{}: nested deeper than {} levels; this is no file of ours", path, kMaxDepth);
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      fail("{}: key {} appears twice in one object", path, shown(parsed));
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::exception& e) {
    std::string reason = e.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const size_t end = reason.find("] "); end != std::string::npos) reason = reason.substr(end + 2);
    std::replace_if(reason.begin(), reason.end(), [](unsigned char c) { return c < 0x20; }, ' ');
    if (reason.size() > 160) reason = reason.substr(0, 157) + "...";
    fail("{}: not valid JSON: {}", path, reason);
  }
}

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) fail("{}expected an object (key-value pairs), found {}", where_, shown(object_));
}

const Json* Fields::raw(const char* key) {
  asked_.insert(key);
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

bool Fields::has(const char* key) { return raw(key) != nullptr; }

void Fields::fail_at(const char* key, const std::string& expected) const {
  const auto it = object_.find(key);
  fail("{}{}: expected {}, found {}", where_, key, expected, it == object_.end() ? "nothing" : shown(*it));
}

const Json& Fields::need(const char* key, const std::string& expected) {
  const Json* value = raw(key);
  if (!value) fail("{}{} is missing; expected {}", where_, key, expected);
  return *value;
}

int64_t Fields::integer(const char* key, int64_t lo, int64_t hi) {
  const std::string expected = fmt::format("an integer from {} to {}", lo, hi);
  const Json& value = need(key, expected);
  if (!value.is_number_integer()) fail_at(key, expected);
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX)) fail_at(key, expected);
  const int64_t n = value.get<int64_t>();
  if (n < lo || n > hi) fail_at(key, expected);
  return n;
}

int64_t Fields::integer(const char* key, int64_t lo, int64_t hi, int64_t missing) {
  return has(key) ? integer(key, lo, hi) : missing;
}

double Fields::number(const char* key, double lo, double hi) {
  const std::string expected = fmt::format("a number from {:g} to {:g}", lo, hi);
  const Json& value = need(key, expected);
  if (!value.is_number()) fail_at(key, expected);
  const double x = value.get<double>();
  if (!(x >= lo && x <= hi)) fail_at(key, expected);
  return x;
}

double Fields::number(const char* key, double lo, double hi, double missing) { return has(key) ? number(key, lo, hi) : missing; }

bool Fields::boolean(const char* key, bool missing) {
  const Json* value = raw(key);
  if (!value) return missing;
  if (!value->is_boolean()) fail_at(key, "true or false");
  return value->get<bool>();
}

std::string Fields::text(const char* key) {
  const Json& value = need(key, "a string");
  if (!value.is_string()) fail_at(key, "a string");
  return value.get<std::string>();
}

std::string Fields::text(const char* key, std::string_view missing) { return has(key) ? text(key) : std::string(missing); }

size_t Fields::choice(const char* key, const std::vector<std::string_view>& choices) {
  const std::string expected = joined(choices);
  const Json& value = need(key, expected);
  if (!value.is_string()) fail_at(key, expected);
  const auto it = std::find(choices.begin(), choices.end(), value.get_ref<const std::string&>());
  if (it == choices.end()) fail_at(key, expected);
  return size_t(it - choices.begin());
}

size_t Fields::choice(const char* key, const std::vector<std::string_view>& choices, size_t missing) {
  return has(key) ? choice(key, choices) : missing;
}

std::vector<int64_t> Fields::integers(const char* key, int64_t lo, int64_t hi) {
  const Json* value = raw(key);
  if (!value) return {};
  if (!value->is_array()) return {integer(key, lo, hi)};
  std::vector<int64_t> out;
  for (const Json& item : *value) {
    if (!item.is_number_integer() || (item.is_number_unsigned() && item.get<uint64_t>() > uint64_t(INT64_MAX)) ||
        item.get<int64_t>() < lo || item.get<int64_t>() > hi)
      fail("{}{}: expected integers from {} to {}, found {}", where_, key, lo, hi, shown(item));
    out.push_back(item.get<int64_t>());
  }
  return out;
}

std::optional<Fields> Fields::object(const char* key) {
  const Json* value = raw(key);
  if (!value) return std::nullopt;
  if (!value->is_object()) fail_at(key, "an object");
  return Fields(*value, where_ + key + ".");
}

void Fields::reject_unknown() const {
  for (const auto& [key, value] : object_.items()) {
    if (asked_.count(key)) continue;
    std::string nearest;
    size_t best = 4;  // further away than three letters is no spelling mistake
    for (const std::string& known : asked_)
      if (const size_t d = edit_distance(key, known); d < best) best = d, nearest = known;
    fail("{}unknown key {}{}", where_, shown(Json(key)), nearest.empty() ? "" : "; did you mean " + nearest + "?");
  }
}

}  // namespace minke
