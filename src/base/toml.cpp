// The one file that knows toml++.
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/fields.h"

namespace minke {

namespace {

using Json = nlohmann::ordered_json;

// Recursion is bounded by the parser's own nesting limit (256).
Json to_json(const toml::node& node, const std::string& path) {
  if (const auto* table = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *table) out[std::string(key.str())] = to_json(value, path);
    return out;
  }
  if (const auto* array = node.as_array()) {
    Json out = Json::array();
    for (const auto& value : *array) out.push_back(to_json(value, path));
    return out;
  }
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get();
  fail("{}:{}: dates and times have no use here", path, node.source().begin.line);
}

}  // namespace

Json parse_toml(std::string_view text, const std::string& path) {
  try {
    return to_json(toml::parse(text, path), path);
  } catch (const toml::parse_error& e) {
    fail("{}:{}: not valid TOML: {}", path, e.source().begin.line, e.description());
  }
}

}  // namespace minke
