#pragma once
// A file's bytes as a stream, unpacked on the way where its name ends in .gz or .zst. Several members or frames in a row are one
// stream. Errors name the path; a file that ends inside a member is an Error, not a short text.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace minke {

class ByteReader {
 public:
  virtual ~ByteReader() = default;
  // Fills up to `bytes` bytes; 0 only at the end of the stream.
  virtual size_t read(char* to, size_t bytes) = 0;

  static std::unique_ptr<ByteReader> open(const std::string& path);
};

// Calls `use` for each line of a file (opened as above), counted from 1, without its line end.
void read_lines(const std::string& path, const std::function<void(int64_t number, std::string_view line)>& use);

}  // namespace minke
