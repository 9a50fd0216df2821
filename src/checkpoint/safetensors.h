#pragma once
// safetensors in and out (docs/config.md names the format's rules).
//   8 bytes N, little endian · N bytes of JSON: {"NAME": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [begin, end]}, ...} · data
// Offsets count from the end of the header; the tensors cover the data without hole or overlap, to the last byte of the file.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"

namespace minke {

struct TensorInfo {
  std::string name;
  std::string dtype;  // as the format names it: "F32", "BF16", "F8_E4M3" ...
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes, from the start of the data
  uint64_t bytes() const { return end - begin; }
  int64_t elements() const;
};

// Bits of one element, or 0 if the format knows no such dtype.
int safetensors_bits(std::string_view dtype);

// A file mapped for reading. The constructor checks every rule of the format; an Error names the file and the tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);
  const std::string& path() const { return file_.path(); }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  // in the order of their data
  const TensorInfo* find(std::string_view name) const;                 // null if absent
  const uint8_t* data(const TensorInfo& tensor) const { return data_ + tensor.begin; }  // not aligned in general
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  void parse_header(std::string_view header);
  void check_layout() const;
  MappedFile file_;
  const uint8_t* data_ = nullptr;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string_view, size_t> by_name_;
  std::map<std::string, std::string> metadata_;
};

// Takes the next bytes of the tensor being written.
using PutBytes = std::function<void(const void* data, size_t bytes)>;
// Called once a tensor, in the file's order; must put exactly tensor.bytes() bytes.
using ProduceTensor = std::function<void(const TensorInfo& tensor, const PutBytes& put)>;

// Writes `path` atomically, a tensor at a time. Of `tensors` name, dtype and shape are read; the file's order is dtype descending by
// width, then name, which keeps every tensor aligned to its element. "format": "pt" is always in the metadata (older transformers
// releases refuse files without it). Returns the size of the data.
uint64_t write_safetensors(const std::string& path, std::vector<TensorInfo> tensors, const ProduceTensor& produce,
                           std::map<std::string, std::string> metadata = {});

}  // namespace minke
