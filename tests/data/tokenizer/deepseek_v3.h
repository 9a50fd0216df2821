#pragma once
// The DeepSeek-V3 tokenizer of the test data, read once.
#include <zstd.h>

#include <string>

#include "base/error.h"
#include "base/file.h"
#include "data/tokenizer/tokenizer.h"

namespace minke {

inline const std::string kTokenizerData = std::string(MINKE_SOURCE_DIR) + "/tests/data/tokenizer/";

inline std::string unpack_zstd(const std::string& path) {
  const std::string packed = read_file(path);
  std::string text(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  const size_t size = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  MINKE_CHECK_EQ(size, text.size());
  return text;
}

inline const Tokenizer& deepseek_v3() {
  static const Tokenizer tokenizer(parse_tokenizer(unpack_zstd(kTokenizerData + "deepseek-v3/tokenizer.json.zst"),
                                                   read_file(kTokenizerData + "deepseek-v3/tokenizer_config.json"),
                                                   "deepseek-v3/tokenizer.json"));
  return tokenizer;
}

}  // namespace minke
