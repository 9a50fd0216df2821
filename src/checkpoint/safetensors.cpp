#include "checkpoint/safetensors.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_set>

#include "base/error.h"

namespace minke {

namespace {

// Lowest to highest; the writer sorts by it.
constexpr struct {
  std::string_view name;
  int bits;
} kDtypes[] = {{"BOOL", 8},        {"F4", 4},           {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"U8", 8},    {"I8", 8},
               {"F8_E5M2", 8},     {"F8_E4M3", 8},      {"F8_E8M0", 8},     {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
               {"U16", 16},        {"F16", 16},         {"BF16", 16},       {"I32", 32},    {"U32", 32},  {"F32", 32},
               {"C64", 64},        {"F64", 64},         {"I64", 64},        {"U64", 64}};

int dtype_rank(std::string_view dtype) {
  for (size_t i = 0; i < std::size(kDtypes); ++i)
    if (kDtypes[i].name == dtype) return int(i);
  return -1;
}

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kMaxDepth = 16;  // a header is three deep

// Names come from outside: shortened and printable in errors.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 80));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "\"" + out + (name.size() > 80 ? "...\"" : "\"");
}

// Bytes of a tensor; false if elements x bits leave 64 bits or are no whole number of bytes.
bool tensor_bytes(const std::vector<int64_t>& shape, int bits, uint64_t* bytes) {
  uint64_t n = 1;
  for (const int64_t d : shape)
    if (__builtin_mul_overflow(n, uint64_t(d), &n)) return false;
  if (__builtin_mul_overflow(n, uint64_t(bits), &n) || n % 8 != 0) return false;
  *bytes = n / 8;
  return true;
}

}  // namespace

int64_t TensorInfo::elements() const {
  int64_t n = 1;
  for (const int64_t d : shape) n *= d;
  return n;
}

int safetensors_bits(std::string_view dtype) {
  const int rank = dtype_rank(dtype);
  return rank < 0 ? 0 : kDtypes[rank].bits;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  const uint64_t size = file_.size();
  if (size < 8) fail("{}: {} bytes are no safetensors file (8 bytes of header length come first); is it truncated?", path, size);
  uint64_t n = 0;
  std::memcpy(&n, file_.data(), 8);
  if (n > kMaxHeader) fail("{}: header length {} is above {}; is this a safetensors file?", path, n, kMaxHeader);
  if (n > size - 8) fail("{}: header of {} bytes does not fit in {} bytes; is it truncated?", path, n, size);
  data_ = file_.data() + 8 + n;
  parse_header({reinterpret_cast<const char*>(file_.data()) + 8, size_t(n)});
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name); });
  check_layout();
  by_name_.reserve(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (!by_name_.emplace(tensors_[i].name, i).second) fail("{}: tensor {} appears twice", path, shown(tensors_[i].name));
}

void SafetensorsFile::parse_header(std::string_view header) {
  namespace dom = simdjson::dom;
  if (header.empty() || header[0] != '{') fail("{}: the header does not begin with '{{'", path());
  const simdjson::padded_string text(header);
  dom::parser parser;
  if (parser.allocate(header.size(), kMaxDepth)) fail("{}: no memory for a header of {} bytes", path(), header.size());
  dom::object root;
  if (const auto error = parser.parse(text).get(root)) fail("{}: the header is not a JSON object: {}", path(), simdjson::error_message(error));

  for (const auto& [key, value] : root) {
    if (key == "__metadata__") {
      dom::object entries;
      if (value.get(entries)) fail("{}: __metadata__: expected an object of strings", path());
      for (const auto& [k, v] : entries) {
        std::string_view s;
        if (v.get(s)) fail("{}: __metadata__ {}: expected a string", path(), shown(k));
        if (!metadata_.emplace(k, s).second) fail("{}: __metadata__ {} appears twice", path(), shown(k));
      }
      continue;
    }
    dom::object fields;
    if (value.get(fields)) fail("{}: tensor {}: expected an object with dtype, shape and data_offsets", path(), shown(key));
    TensorInfo t;
    t.name = key;
    int dtypes = 0, shapes = 0, offsets = 0;
    for (const auto& [k, v] : fields) {
      if (k == "dtype") {
        std::string_view s;
        if (v.get(s) || !safetensors_bits(s)) fail("{}: tensor {}: unknown dtype", path(), shown(key));
        t.dtype = s;
        ++dtypes;
      } else if (k == "shape" || k == "data_offsets") {
        dom::array items;
        std::vector<int64_t> numbers;
        if (v.get(items)) fail("{}: tensor {}: {}: expected an array of integers", path(), shown(key), k);
        for (const auto& item : items) {
          int64_t x = 0;
          if (item.type() == dom::element_type::DOUBLE || item.get(x) || x < 0)
            fail("{}: tensor {}: {}: expected integers from 0 to 2^63 - 1", path(), shown(key), k);
          numbers.push_back(x);
        }
        if (k == "shape") {
          t.shape = std::move(numbers);
          ++shapes;
          continue;
        }
        if (numbers.size() != 2) fail("{}: tensor {}: data_offsets: expected 2 integers, found {}", path(), shown(key), numbers.size());
        t.begin = uint64_t(numbers[0]);
        t.end = uint64_t(numbers[1]);
        ++offsets;
      }
    }
    if (dtypes != 1 || shapes != 1 || offsets != 1)
      fail("{}: tensor {}: expected dtype, shape and data_offsets once each", path(), shown(key));
    tensors_.push_back(std::move(t));
  }
}

void SafetensorsFile::check_layout() const {
  uint64_t at = 0;
  for (const TensorInfo& t : tensors_) {
    if (t.begin != at || t.end < t.begin)
      fail("{}: tensor {} lies at bytes {} to {}, expected it to begin at {} (no hole, no overlap)", path(), shown(t.name), t.begin, t.end, at);
    uint64_t bytes = 0;
    if (!tensor_bytes(t.shape, safetensors_bits(t.dtype), &bytes))
      fail("{}: tensor {}: its shape overflows 64 bits or fills no whole number of bytes", path(), shown(t.name));
    if (bytes != t.end - t.begin)
      fail("{}: tensor {}: shape and dtype {} make {} bytes, data_offsets hold {}", path(), shown(t.name), t.dtype, bytes, t.end - t.begin);
    at = t.end;
  }
  const uint64_t held = file_.size() - uint64_t(data_ - file_.data());
  if (at != held) fail("{}: the tensors take {} bytes, the file holds {}; is it {}?", path(), at, held, at > held ? "truncated" : "damaged");
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

uint64_t write_safetensors(const std::string& path, std::vector<TensorInfo> tensors, const ProduceTensor& produce,
                           std::map<std::string, std::string> metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    const int ra = dtype_rank(a.dtype), rb = dtype_rank(b.dtype);
    return ra != rb ? ra > rb : a.name < b.name;
  });
  metadata.emplace("format", "pt");
  // Written by hand: ordered_json looks keys up one by one, which 90,000 tensors would feel.
  std::string text = "{\"__metadata__\":" + nlohmann::json(metadata).dump();
  std::unordered_set<std::string_view> names;
  uint64_t at = 0;
  for (TensorInfo& t : tensors) {
    uint64_t bytes = 0;
    MINKE_CHECK(dtype_rank(t.dtype) >= 0);
    MINKE_CHECK(tensor_bytes(t.shape, safetensors_bits(t.dtype), &bytes));
    MINKE_CHECK(t.name != "__metadata__" && names.insert(t.name).second);
    t.begin = at;
    t.end = at += bytes;
    text += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", nlohmann::json(t.name).dump(), t.dtype,
                        fmt::join(t.shape, ","), t.begin, t.end);
  }
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data begins 8-aligned
  if (text.size() > kMaxHeader) fail("{}: {} tensors make a header of {} bytes, above the format's {}; use more shards", path, tensors.size(), text.size(), kMaxHeader);

  AtomicFile file(path);
  const uint64_t n = text.size();
  file.write(&n, 8);
  file.write(text);
  for (const TensorInfo& t : tensors) {
    const uint64_t before = file.written();
    produce(t, [&](const void* data, size_t bytes) { file.write(data, bytes); });
    MINKE_CHECK_EQ(file.written() - before, t.bytes());
  }
  file.commit();
  return at;
}

}  // namespace minke
