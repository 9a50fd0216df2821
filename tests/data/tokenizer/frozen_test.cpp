// Our own tokenizer, tokenizer/: frozen. Everything trained with it depends on these bytes; training must give them
// again.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "data/tokenizer/bpe_trainer.h"
#include "data/tokenizer/tokenizer.h"

namespace minke {
namespace {

const std::string kRoot = std::string(MINKE_SOURCE_DIR) + "/";
using Ids = std::vector<int32_t>;

const Tokenizer& frozen() {
  static const Tokenizer tokenizer = Tokenizer::load(kRoot + "tokenizer");
  return tokenizer;
}

// The command of docs/tokenizer.md.
TEST(FrozenTokenizer, TrainingGivesItAgainByteForByte) {
  std::vector<std::string> texts{read_file(kRoot + "tokenizer/problems.txt")};
  for (const auto& file : std::filesystem::directory_iterator(kRoot + "data/books/train")) {
    texts.push_back(read_file(file.path().string()));
  }
  TokenizerTraining options = deepseek_v3_training();
  options.vocab_size = 4096;
  options.digit_merges = false;
  const TokenizerSpec spec = train_tokenizer({texts.begin(), texts.end()}, options);
  // Not EXPECT_EQ: a difference would print both files.
  EXPECT_TRUE(tokenizer_json(spec) == read_file(kRoot + "tokenizer/tokenizer.json"));
  EXPECT_EQ(tokenizer_config_json(spec), read_file(kRoot + "tokenizer/tokenizer_config.json"));
  EXPECT_TRUE(tokenizer_json(frozen().spec()) ==
              read_file(kRoot + "tokenizer/tokenizer.json"));  // and reading keeps them
}

TEST(FrozenTokenizer, HasDeepSeekV3sLayout) {
  const Tokenizer& t = frozen();
  EXPECT_EQ(t.vocab_size(), 4096);
  EXPECT_EQ(t.spec().pre_tokenizer, PreTokenizer::kDeepSeekV3);
  EXPECT_EQ(t.bos_id(), 0);
  EXPECT_EQ(t.eos_id(), 1);
  EXPECT_EQ(t.pad_id(), 2);
  EXPECT_EQ(t.special_id("<｜begin▁of▁sentence｜>"), 0);
  EXPECT_EQ(t.special_id("<｜end▁of▁sentence｜>"), 1);
  EXPECT_EQ(t.special_id("<｜▁pad▁｜>"), 2);
  for (int32_t id = 3; id < 259; ++id) EXPECT_EQ(t.token_bytes(id).size(), 1u);
  for (int32_t id = 259; id < 4076; ++id) EXPECT_EQ(t.spec().merges[id - 259].result, id);
  EXPECT_EQ(t.special_id("<｜User｜>"), 4076);
  EXPECT_EQ(t.special_id("<｜Assistant｜>"), 4077);
  EXPECT_EQ(t.special_id("<think>"), 4078);
  EXPECT_EQ(t.special_id("</think>"), 4079);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(t.special_id(fmt::format("<｜place▁holder▁no▁{}｜>", i)), 4080 + i);
}

TEST(FrozenTokenizer, NoTokenHoldsTwoDigits) {
  for (int32_t id = 3; id < 4076; ++id) {
    const std::string_view token = frozen().token_bytes(id);
    EXPECT_LE(std::count_if(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; }), 1) << token;
  }
}

// Ids by tokenizers 0.23.3 and transformers 5.23.0 from the committed file.
TEST(FrozenTokenizer, GivesTheIdsThatTransformersGives) {
  const Tokenizer& t = frozen();
  EXPECT_EQ(t.encode("Once upon a time 12345 + 6"),
            (Ids{2089, 334, 551, 261, 588, 223, 19, 20, 21, 22, 23, 439, 223, 24}));
  EXPECT_EQ(t.encode("<｜User｜>Hi<｜Assistant｜><think>\nx</think> 漢字", true),
            (Ids{4076, 42, 75, 4077, 4078, 201, 90, 4079, 223, 165, 123, 98, 164, 258, 248}));
  EXPECT_EQ(t.encode(" a\n\n b's"), (Ids{261, 292, 273, 381}));
}

TEST(FrozenTokenizer, EncodesAnyTextAndBack) {
  for (const char* path :
       {"data/books/heldout/alice-in-wonderland.txt", "tests/data/tokenizer/deepseek-v3/adversarial.jsonl"}) {
    const std::string text = read_file(kRoot + path);
    EXPECT_TRUE(frozen().decode(frozen().encode(text)) == text) << path;
    EXPECT_TRUE(frozen().decode(frozen().encode(text, true)) == text) << path;
  }
}

}  // namespace
}  // namespace minke
