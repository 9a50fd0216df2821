#pragma once
// JSON objects of strings and numbers, with numbers as they were written: 12345678901234567890123 and 1.10 are answers, not doubles.
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace minke {

struct JsonField {
  enum Kind { kString, kNumber, kOther } kind = kOther;  // kOther: true, false, null, an array, an object
  std::string text;                                      // of a number: its digits as written
};
using JsonObject = std::map<std::string, JsonField, std::less<>>;

// Calls `use` for the object, or for each object of an array of objects. Returns what is wrong ("" if nothing): text that is not
// JSON, with its byte, a key twice in an object, another value than an object. Objects before the fault were used.
std::string read_json_objects(std::string_view text, const std::function<void(JsonObject&&)>& use);

}  // namespace minke
