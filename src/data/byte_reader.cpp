#include "data/byte_reader.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace minke {
namespace {

constexpr size_t kChunk = 1 << 18;

class PlainReader : public ByteReader {
 public:
  explicit PlainReader(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail("{}: cannot read: {}", path, std::strerror(errno));
  }
  ~PlainReader() override { ::close(fd_); }
  PlainReader(const PlainReader&) = delete;
  PlainReader& operator=(const PlainReader&) = delete;

  size_t read(char* to, size_t bytes) override {
    for (;;) {
      const ssize_t n = ::read(fd_, to, bytes);
      if (n >= 0) return size_t(n);
      if (errno != EINTR) fail("{}: cannot read: {}", path_, std::strerror(errno));
    }
  }

 private:
  std::string path_;
  int fd_;
};

// The packed bytes of a file, one chunk at a time.
struct Packed {
  explicit Packed(const std::string& path) : file(path), buffer(kChunk) {}
  bool refill() {
    at = 0;
    size = file.read(buffer.data(), buffer.size());
    return size > 0;
  }
  PlainReader file;
  std::vector<char> buffer;
  size_t at = 0, size = 0;
};

class GzipReader : public ByteReader {
 public:
  explicit GzipReader(const std::string& path) : path_(path), packed_(path) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) fail("{}: zlib does not start", path);  // 16: a gzip header and trailer
  }
  ~GzipReader() override { inflateEnd(&stream_); }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  size_t read(char* to, size_t bytes) override {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = uInt(std::min(bytes, size_t(1) << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      if (packed_.at == packed_.size && !packed_.refill()) {
        if (inside_) fail("{}: ends inside its gzip stream after {} bytes of text; is the file truncated?", path_, total_);
        if (!any_) fail("{}: is empty, expected a gzip stream", path_);
        return 0;
      }
      inside_ = any_ = true;
      stream_.next_in = reinterpret_cast<Bytef*>(packed_.buffer.data() + packed_.at);
      stream_.avail_in = uInt(packed_.size - packed_.at);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      packed_.at = packed_.size - stream_.avail_in;
      if (status == Z_STREAM_END) {
        inside_ = false;
        inflateReset(&stream_);  // another member may follow
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        fail("{}: bad gzip data after {} bytes of text: {}", path_, total_ + wanted - stream_.avail_out,
             stream_.msg ? stream_.msg : "unknown reason");
      }
    }
    total_ += wanted - stream_.avail_out;
    return wanted - stream_.avail_out;
  }

 private:
  std::string path_;
  Packed packed_;
  z_stream stream_{};
  bool inside_ = false, any_ = false;
  uint64_t total_ = 0;
};

class ZstdReader : public ByteReader {
 public:
  explicit ZstdReader(const std::string& path) : path_(path), packed_(path), stream_(ZSTD_createDStream()) {
    if (!stream_) fail("{}: zstd does not start", path);
  }
  ~ZstdReader() override { ZSTD_freeDStream(stream_); }
  ZstdReader(const ZstdReader&) = delete;
  ZstdReader& operator=(const ZstdReader&) = delete;

  size_t read(char* to, size_t bytes) override {
    ZSTD_outBuffer out{to, bytes, 0};
    while (out.pos == 0) {
      // A full output buffer may have left text inside the decoder: ask it once more before reading on.
      if (packed_.at == packed_.size && !pending_ && !packed_.refill()) {
        if (inside_) fail("{}: ends inside its zstd frame after {} bytes of text; is the file truncated?", path_, total_);
        if (!any_) fail("{}: is empty, expected a zstd frame", path_);
        return 0;
      }
      ZSTD_inBuffer in{packed_.buffer.data(), packed_.size, packed_.at};
      const size_t status = ZSTD_decompressStream(stream_, &out, &in);
      packed_.at = in.pos;
      if (ZSTD_isError(status)) fail("{}: bad zstd data after {} bytes of text: {}", path_, total_ + out.pos, ZSTD_getErrorName(status));
      any_ = true;
      inside_ = status != 0;
      pending_ = inside_ && out.pos == out.size;
    }
    total_ += out.pos;
    return out.pos;
  }

 private:
  std::string path_;
  Packed packed_;
  ZSTD_DStream* stream_;
  bool inside_ = false, any_ = false, pending_ = false;
  uint64_t total_ = 0;
};

}  // namespace

std::unique_ptr<ByteReader> ByteReader::open(const std::string& path) {
  if (path.ends_with(".gz")) return std::make_unique<GzipReader>(path);
  if (path.ends_with(".zst")) return std::make_unique<ZstdReader>(path);
  return std::make_unique<PlainReader>(path);
}

void read_lines(const std::string& path, const std::function<void(int64_t number, std::string_view line)>& use) {
  const auto in = ByteReader::open(path);
  std::string pending;  // bytes of the file not yet used
  std::vector<char> chunk(kChunk);
  int64_t number = 0;
  for (;;) {
    const size_t n = in->read(chunk.data(), chunk.size());
    size_t searched = pending.size(), used = 0;
    pending.append(chunk.data(), n);
    for (size_t end; (end = pending.find('\n', searched)) != std::string::npos; searched = used = end + 1)
      use(++number, std::string_view(pending).substr(used, end - used));
    pending.erase(0, used);
    if (n == 0) break;
  }
  if (!pending.empty()) use(number + 1, pending);
}

}  // namespace minke
