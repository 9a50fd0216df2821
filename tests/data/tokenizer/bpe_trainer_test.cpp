// The trainer against a recorded vocabulary, and against the plain algorithm on small texts.
#include "data/tokenizer/bpe_trainer.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/rng.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/deepseek_v3.h"

namespace minke {
namespace {

std::vector<std::string> merge_lines(const TokenizerSpec& spec) {
  std::vector<std::string> lines;
  for (const BpeMerge& merge : spec.merges) lines.push_back(spec.vocab[merge.left] + " " + spec.vocab[merge.right]);
  return lines;
}

TokenizerTraining gpt2_training(int32_t vocab_size) {
  TokenizerTraining options;
  options.pre_tokenizer = PreTokenizer::kGpt2;
  options.vocab_size = vocab_size;
  return options;
}

TEST(BpeTrainer, FindsTheRecordedVocabulary) {
  const std::string folder = kTokenizerData + "bpe-training/";
  TokenizerTraining options = gpt2_training(500);
  options.front.resize(1);
  options.front[0].content = "<|endoftext|>";
  const TokenizerSpec spec = train_tokenizer({read_file(folder + "corpus.en")}, options);

  std::vector<std::string> expected;
  std::istringstream lines(read_file(folder + "train-bpe-reference-merges.txt"));
  for (std::string line; std::getline(lines, line);) expected.push_back(line);
  EXPECT_EQ(merge_lines(spec), expected);
  const auto vocab = nlohmann::json::parse(read_file(folder + "train-bpe-reference-vocab.json"));
  ASSERT_EQ(vocab.size(), 500u);
  ASSERT_EQ(spec.vocab.size(), 500u);
  for (int32_t id = 0; id < 500; ++id) EXPECT_EQ(vocab[spec.vocab[id]], id) << spec.vocab[id];
}

// The algorithm without any bookkeeping: count everything anew for every merge.
std::vector<std::string> plain_merges(const std::string& text, size_t count) {
  std::vector<std::vector<std::string>> words;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view piece = first_piece(PreTokenizer::kGpt2, rest);
    rest.remove_prefix(piece.size());
    words.emplace_back();
    for (const char c : piece) words.back().emplace_back(1, c);
  }
  std::vector<std::string> merges;
  while (merges.size() < count) {
    std::map<std::pair<std::string, std::string>, int> counts;
    for (const auto& word : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
    }
    if (counts.empty()) break;
    auto best = counts.begin();
    for (auto it = counts.begin(); it != counts.end(); ++it) {
      if (it->second >= best->second) best = it;  // the map ascends, so the last of equals is the greatest
    }
    const auto [left, right] = best->first;
    for (auto& word : words) {
      std::vector<std::string> merged;
      for (size_t i = 0; i < word.size(); ++i) {
        const bool here = i + 1 < word.size() && word[i] == left && word[i + 1] == right;
        merged.push_back(here ? left + right : word[i]);
        i += here;
      }
      word = merged;
    }
    merges.push_back(to_byte_alphabet(left) + " " + to_byte_alphabet(right));
  }
  return merges;
}

TEST(BpeTrainer, AgreesWithThePlainAlgorithm) {
  Rng rng(3);
  for (int round = 0; round < 20; ++round) {
    std::string text;
    const uint64_t letters = 2 + rng.below(4);
    while (text.size() < 3000) text += rng.below(6) ? static_cast<char>('a' + rng.below(letters)) : ' ';
    const std::vector<std::string> expected = plain_merges(text, 60);
    const std::vector<std::string> found = merge_lines(train_tokenizer({text}, gpt2_training(256 + 50)));
    ASSERT_GE(found.size(), 50u);
    ASSERT_LE(found.size(), expected.size());
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << text;
  }
}

TEST(BpeTrainer, SpecialTokensInTheTextDoNotCount) {
  TokenizerTraining options = gpt2_training(256 + 1 + 1);
  options.front.resize(1);
  options.front[0].content = "<|endoftext|>";
  std::string text = "xy xy";
  for (int i = 0; i < 50; ++i) text += "<|endoftext|>";
  EXPECT_EQ(merge_lines(train_tokenizer({text}, options)), std::vector<std::string>{"x y"});
}

TEST(BpeTrainer, NoMergeOfTwoDigits) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += fmt::format("{} ٣٤ 12 is twelve, x{}\n", i, i);
  TokenizerTraining options = gpt2_training(256 + 13);  // all there are
  options.digit_merges = false;
  const Tokenizer tokenizer(train_tokenizer({text}, options));
  std::set<std::string> tokens;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) tokens.emplace(tokenizer.token_bytes(id));
  EXPECT_TRUE(tokens.contains(" 1"));  // a blank and a digit may
  EXPECT_FALSE(tokens.contains("12"));
  EXPECT_FALSE(tokens.contains(" 12"));
  EXPECT_TRUE(tokens.contains(" ٣"));
  EXPECT_FALSE(tokens.contains(" ٣٤"));
  options.digit_merges = true;
  options.vocab_size = 256 + 40;
  const Tokenizer with(train_tokenizer({text}, options));
  tokens.clear();
  for (int32_t id = 0; id < with.vocab_size(); ++id) tokens.emplace(with.token_bytes(id));
  EXPECT_TRUE(tokens.contains(" 12"));
}

TEST(BpeTrainer, TooLittleTextOrRoomIsAnError) {
  EXPECT_THROW(train_tokenizer({"abc"}, gpt2_training(300)), Error);
  EXPECT_THROW(train_tokenizer({"abc"}, gpt2_training(255)), Error);
}

}  // namespace
}  // namespace minke
