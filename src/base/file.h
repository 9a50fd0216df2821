#pragma once
// Files: mapped for reading, replaced whole for writing. Every error names the path and the system's reason.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace minke {

// A read-only map of a regular file. Not copyable; moves.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Collects writes to `path`.tmp-PID; commit() flushes, fsyncs, renames over `path` and fsyncs the folder. Without commit() the
// temporary is removed and `path` keeps what it held.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();
  uint64_t written() const { return written_; }

 private:
  void flush_buffer();
  std::string path_, temporary_;
  int fd_ = -1;
  uint64_t written_ = 0;
  std::string buffer_;
};

std::string read_file(const std::string& path);                        // whole; Error if it cannot be read
void write_file_atomic(const std::string& path, std::string_view text);
void make_folders(const std::string& path);                            // mkdir -p
void fsync_folder(const std::string& path);
bool file_exists(const std::string& path);
int64_t resident_bytes();                                              // of this process, /proc/self/statm
int64_t peak_resident_bytes();                                         // VmHWM

}  // namespace minke
