#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/error.h"

namespace minke {
namespace {

std::string reason() {
  std::string text = std::strerror(errno);
  if (errno == ENOSPC || errno == EDQUOT) text += " (free some space and run the same command again)";
  if (errno == EFBIG) text += " (a limit on the size of files; see ulimit -f)";
  if (errno == EACCES || errno == EPERM) text += " (check the owner and permissions)";
  return text;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("{}: cannot open: {}", path, reason());
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    fail("{}: not a regular file", path);
  }
  size_ = size_t(info.st_size);
  if (size_ > 0) {
    void* map = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
      const std::string why = reason();
      close(fd);
      fail("{}: cannot map {} bytes: {}", path, size_, why);
    }
    data_ = static_cast<const uint8_t*>(map);
  }
  close(fd);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
  if (data_) munmap(const_cast<uint8_t*>(data_), size_);
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), temporary_(fmt::format("{}.tmp-{}", path, getpid())) {
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("{}: cannot create: {}", path_, reason());
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    close(fd_);
    unlink(temporary_.c_str());
  }
}

void AtomicFile::flush_buffer() {
  const char* p = buffer_.data();
  size_t left = buffer_.size();
  while (left > 0) {
    const ssize_t n = ::write(fd_, p, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("{}: cannot write: {}", path_, reason());
    p += n;
    left -= size_t(n);
  }
  buffer_.clear();
}

void AtomicFile::write(const void* data, size_t bytes) {
  constexpr size_t kBuffer = size_t(4) << 20;
  const char* p = static_cast<const char*>(data);
  written_ += bytes;
  while (bytes > 0) {
    const size_t n = std::min(bytes, kBuffer - buffer_.size());
    buffer_.append(p, n);
    p += n;
    bytes -= n;
    if (buffer_.size() == kBuffer) flush_buffer();
  }
}

void AtomicFile::commit() {
  flush_buffer();
  if (fsync(fd_) != 0) fail("{}: cannot write to the disk: {}", path_, reason());
  if (close(std::exchange(fd_, -1)) != 0) {
    const std::string why = reason();
    unlink(temporary_.c_str());
    fail("{}: cannot close: {}", temporary_, why);
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    const std::string why = reason();
    unlink(temporary_.c_str());
    fail("{}: cannot rename {} to it: {}", path_, temporary_, why);
  }
  fsync_folder(std::filesystem::path(path_).parent_path().string());
}

std::string read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail("{}: is a folder, expected a file", path);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("{}: cannot open: {}", path, reason());
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) fail("{}: cannot read: {}", path, reason());
  return std::move(text).str();
}

void write_file_atomic(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void make_folders(const std::string& path) {
  if (path.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail("{}: cannot create the folder: {}", path, error.message());
}

void fsync_folder(const std::string& path) {
  const int fd = open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // some file systems refuse; the rename itself has happened
  fsync(fd);
  close(fd);
}

bool file_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  int64_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

}  // namespace minke
