#include "reason/json_objects.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace minke {
namespace {

// Events of the parser; it keeps the fields of objects at the top, or of those in an array at the top, and skims what is deeper.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(const std::function<void(JsonObject&&)>& use) : use_(use) {}
  const std::string& why() const { return why_; }

  bool null() override { return value({}); }
  bool boolean(bool) override { return value({}); }
  bool number_integer(number_integer_t v) override { return value({JsonField::kNumber, std::to_string(v)}); }
  bool number_unsigned(number_unsigned_t v) override { return value({JsonField::kNumber, std::to_string(v)}); }
  bool number_float(number_float_t, const string_t& written) override { return value({JsonField::kNumber, written}); }
  bool string(string_t& v) override { return value({JsonField::kString, std::move(v)}); }
  bool binary(binary_t&) override { return value({}); }
  bool key(string_t& name) override {
    if (depth_ != fields_at_) return true;
    key_ = std::move(name);
    return object_.contains(key_) ? refuse(fmt::format("the key \"{}\" stands twice", key_)) : true;
  }
  bool start_object(size_t) override {
    if (depth_ == 0 || (in_array_ && depth_ == 1)) {
      fields_at_ = ++depth_;
      object_.clear();
      return true;
    }
    return value({}) && ++depth_;
  }
  bool end_object() override {
    if (depth_-- == fields_at_) use_(std::move(object_));
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) return in_array_ = true, ++depth_;
    return value({}) && ++depth_;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    return refuse(fmt::format("not JSON at byte {}", position));
  }

 private:
  bool value(JsonField field) {
    if (depth_ == 0 || (in_array_ && depth_ == 1)) return refuse("not an object");
    if (depth_ == fields_at_) object_[key_] = std::move(field);
    return true;
  }
  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  const std::function<void(JsonObject&&)>& use_;
  JsonObject object_;
  std::string key_, why_;
  int64_t depth_ = 0, fields_at_ = -1;
  bool in_array_ = false;
};

}  // namespace

std::string read_json_objects(std::string_view text, const std::function<void(JsonObject&&)>& use) {
  Handler handler(use);
  nlohmann::json::sax_parse(text, &handler);
  return handler.why();
}

}  // namespace minke
