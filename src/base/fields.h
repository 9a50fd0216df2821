#pragma once
// Typed, range-checked look-ups in an object that came from outside (config.json, a TOML section). Every error names the file, the
// section and key, what was expected and what was found.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

// JSON text -> value. Nesting is bounded (64) and a key may appear once in an object; anything else is an Error that names `path`.
nlohmann::ordered_json parse_json(std::string_view text, const std::string& path);
// TOML text -> the same kind of value (dates are refused). Errors name `path` and the line.
nlohmann::ordered_json parse_toml(std::string_view text, const std::string& path);

// One object being read. Keys that were asked for are remembered, so that reject_unknown() can name the others.
class Fields {
 public:
  // `where` is printed before each key: "config.json: " or "nano.toml: [model] ". The object must outlive this.
  Fields(const nlohmann::ordered_json& object, std::string where);

  bool has(const char* key);  // present and not null
  // The forms with `missing` return it when the key is absent or null; those without fail.
  int64_t integer(const char* key, int64_t lo, int64_t hi);
  int64_t integer(const char* key, int64_t lo, int64_t hi, int64_t missing);
  double number(const char* key, double lo, double hi);
  double number(const char* key, double lo, double hi, double missing);
  bool boolean(const char* key, bool missing);
  std::string text(const char* key);
  std::string text(const char* key, std::string_view missing);
  // An index into `choices`.
  size_t choice(const char* key, const std::vector<std::string_view>& choices);
  size_t choice(const char* key, const std::vector<std::string_view>& choices, size_t missing);
  std::vector<int64_t> integers(const char* key, int64_t lo, int64_t hi);  // one number or an array of them; absent: empty
  std::optional<Fields> object(const char* key);                           // a nested object, or nothing
  const nlohmann::ordered_json* raw(const char* key);                      // the value, or null

  void reject_unknown() const;  // names the first key nobody asked for and the known key nearest to it
  [[noreturn]] void fail_at(const char* key, const std::string& expected) const;  // "... KEY: expected EXPECTED, found VALUE"
  const std::string& where() const { return where_; }

 private:
  const nlohmann::ordered_json& need(const char* key, const std::string& expected);
  const nlohmann::ordered_json& object_;
  std::string where_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace minke
