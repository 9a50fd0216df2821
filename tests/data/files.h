#pragma once
// What the tests of this folder share: a scratch folder, packed files, a small tokenizer.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "data/tokenizer/bpe_trainer.h"
#include "data/tokenizer/tokenizer.h"

namespace minke {

class Scratch {
 public:
  Scratch() {
    path_ = (std::filesystem::temp_directory_path() / ("minke-data-test-XXXXXX")).string();
    if (!mkdtemp(path_.data())) fail("no scratch folder");
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;  // not atomically: no fsync for scratch files
    return path;
  }

 private:
  std::string path_;
};

inline std::string gzip(std::string_view text) {
  z_stream s{};
  deflateInit2(&s, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  s.avail_in = uInt(text.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = uInt(out.size());
  EXPECT_EQ(deflate(&s, Z_FINISH), Z_STREAM_END);
  out.resize(s.total_out);
  deflateEnd(&s);
  return out;
}

inline std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// The message of the Error that `action` throws; "" if it throws none.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// 500 tokens trained on a bundled story, with V3's special tokens.
inline std::shared_ptr<const Tokenizer> small_tokenizer() {
  static const auto tokenizer = [] {
    const std::string text = read_file(MINKE_SOURCE_DIR "/data/books/train/the-verdict.txt");
    TokenizerTraining options = deepseek_v3_training();
    options.vocab_size = 500;
    options.digit_merges = false;
    return std::make_shared<const Tokenizer>(train_tokenizer({text}, options));
  }();
  return tokenizer;
}

}  // namespace minke
