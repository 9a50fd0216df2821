#pragma once
// The files of tests/data/grade.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "reason/grade/maths.h"

namespace minke {

inline std::vector<std::string> lines_of(const std::string& name) {
  const std::string text = read_file(std::string(MINKE_SOURCE_DIR) + "/tests/data/grade/" + name);
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct GoldenPair {
  std::string rule, gold, answer;
  std::optional<bool> lenient, strict;
};

inline std::vector<GoldenPair> golden_pairs() {
  std::vector<GoldenPair> out;
  for (const std::string& line : lines_of("pairs.jsonl")) {
    const auto j = nlohmann::json::parse(line);
    const auto verdict = [&](const char* key) { return j[key].is_null() ? std::nullopt : std::optional<bool>(j[key].get<bool>()); };
    out.push_back({j["rule"], j["gold"], j["answer"], verdict("lenient"), verdict("strict")});
  }
  return out;
}

inline std::string shown(const std::optional<bool>& equal) { return equal ? (*equal ? "equal" : "different") : "gold does not parse"; }

}  // namespace minke
