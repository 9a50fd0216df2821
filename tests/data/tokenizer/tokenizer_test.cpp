// Encoding and decoding against recorded ids of DeepSeek-V3's tokenizer.
#include "data/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/rng.h"
#include "data/tokenizer/deepseek_v3.h"
#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

using Ids = std::vector<int32_t>;

std::vector<std::pair<std::string, Ids>> vectors(const std::string& file) {
  std::vector<std::pair<std::string, Ids>> out;
  std::istringstream lines(read_file(kTokenizerData + file));
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    out.emplace_back(row["text"], row["ids"].get<Ids>());
  }
  return out;
}

TEST(Tokenizer, ReproducesRecordedVectors) {
  const auto rows = vectors("deepseek-v3/vectors.jsonl");
  ASSERT_EQ(rows.size(), 142u);
  for (const auto& [text, ids] : rows) {
    EXPECT_EQ(deepseek_v3().encode(text, true), ids) << text;
    EXPECT_EQ(deepseek_v3().decode(ids), text);
  }
}

TEST(Tokenizer, ReproducesTheOriginalsWikitextIds) {
  const std::string text = read_file(kTokenizerData + "deepseek-v3/wikitext-chunk.txt");
  Ids expected = nlohmann::json::parse(read_file(kTokenizerData + "deepseek-v3/wikitext-ids-v3.json"))["ids"];
  ASSERT_EQ(expected.size(), 8192u);
  EXPECT_EQ(expected[0], deepseek_v3().bos_id());
  expected.erase(expected.begin());
  EXPECT_EQ(deepseek_v3().encode(text), expected);
  EXPECT_EQ(deepseek_v3().decode(expected), text);
}

TEST(Tokenizer, AgreesWithTokenizersOnAdversarialStrings) {
  std::istringstream lines(read_file(kTokenizerData + "deepseek-v3/adversarial.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto row = nlohmann::json::parse(line);
    const std::string text = row["text"];
    EXPECT_EQ(deepseek_v3().encode(text), row["ids"].get<Ids>()) << line;
    EXPECT_EQ(deepseek_v3().encode(text, true), row[row.contains("special") ? "special" : "ids"].get<Ids>()) << line;
    EXPECT_EQ(deepseek_v3().decode(row["ids"].get<Ids>()), text);
  }
  EXPECT_EQ(count, 1000);
}

TEST(Tokenizer, SpecialTokensAreTextUnlessAllowed) {
  const Tokenizer& t = deepseek_v3();
  const std::string text = "<｜User｜>hi<｜Assistant｜>";
  EXPECT_EQ(t.encode(text, true), (Ids{128803, 6366, 128804}));
  const Ids plain = t.encode(text);
  for (const int32_t id : plain) EXPECT_LT(id, 128000);
  EXPECT_EQ(t.decode(plain), text);
  EXPECT_EQ(t.special_id("<｜User｜>"), 128803);
  EXPECT_EQ(t.special_id("hi"), -1);
  EXPECT_EQ(t.vocab_size(), 128815);
  EXPECT_EQ(t.bos_id(), 0);
  EXPECT_EQ(t.eos_id(), 1);
  EXPECT_EQ(t.pad_id(), 1);  // the published config pads with EOS
}

TEST(Tokenizer, SkipSpecialLeavesRolesInPlace) {
  const Tokenizer& t = deepseek_v3();
  const Ids ids{0, 128803, 6366, 128804, 1};
  EXPECT_EQ(t.decode(ids), "<｜begin▁of▁sentence｜><｜User｜>hi<｜Assistant｜><｜end▁of▁sentence｜>");
  EXPECT_EQ(t.decode(ids, true), "<｜User｜>hi<｜Assistant｜>");
}

TEST(Tokenizer, UnknownIdsAreErrors) {
  EXPECT_THROW(deepseek_v3().decode(Ids{128815}), Error);
  EXPECT_THROW(deepseek_v3().decode(Ids{-1}), Error);
  EXPECT_THROW(deepseek_v3().token_bytes(1 << 30), Error);
}

// What `tokenizers` cannot be given: bytes that are not UTF-8 survive as bytes and decode to U+FFFD.
TEST(Tokenizer, BytesThatAreNotUtf8KeepTheirValue) {
  Rng rng(9);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(rng.below(200), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.below(3) ? rng.below(256) : 'a' + rng.below(26));
    std::string back;
    for (const int32_t id : deepseek_v3().encode(bytes)) back += deepseek_v3().token_bytes(id);
    EXPECT_EQ(back, bytes);
  }
  EXPECT_EQ(deepseek_v3().decode(deepseek_v3().encode("a\xC3(\xE2\x82z\xF0\x9F")), "a\uFFFD(\uFFFDz\uFFFD");
}

TEST(Tokenizer, LongPiecesTakeTimeInProportion) {
  for (const char* unit : {"a", "ab", "é", "  ", "\n", "!", "字"}) {
    std::string text;
    while (text.size() < 300'000) text += unit;
    const Ids ids = deepseek_v3().encode(text);  // a quadratic loop would take minutes
    EXPECT_LT(ids.size(), text.size());
    EXPECT_EQ(deepseek_v3().decode(ids), text);
  }
}

// Pieces of tokens at random, short (the loop) and long (the heap), against the definition of BPE taken word for word.
TEST(Bpe, FollowsTheDefinition) {
  const TokenizerSpec& spec = deepseek_v3().spec();
  std::array<int32_t, 256> bytes{};
  for (int32_t id = 0; id < 128000; ++id) {
    if (const auto token = deepseek_v3().token_bytes(id); token.size() == 1) bytes[static_cast<uint8_t>(token[0])] = id;
  }
  const BpeModel model(bytes, spec.merges);
  Rng rng(4);
  for (int round = 0; round < 100; ++round) {
    std::string piece;
    for (size_t length = 1 + rng.below(150); piece.size() < length;)
      piece += deepseek_v3().token_bytes(static_cast<int32_t>(3 + rng.below(127000)));
    Ids fast, slow;
    model.encode(piece, &fast);
    for (const char c : piece) slow.push_back(bytes[static_cast<uint8_t>(c)]);
    std::map<std::pair<int32_t, int32_t>, std::pair<size_t, int32_t>> table;
    for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
      const BpeMerge& merge = spec.merges[rank];
      if (piece.find(deepseek_v3().token_bytes(merge.result)) != std::string::npos) {
        table[{merge.left, merge.right}] = {rank, merge.result};
      }
    }
    for (;;) {
      size_t best = SIZE_MAX, at = 0;
      int32_t result = -1;
      for (size_t i = 0; i + 1 < slow.size(); ++i) {
        const auto it = table.find({slow[i], slow[i + 1]});
        if (it != table.end() && it->second.first < best) {
          best = it->second.first;
          result = it->second.second;
          at = i;
        }
      }
      if (result < 0) break;
      slow[at] = result;
      slow.erase(slow.begin() + static_cast<ptrdiff_t>(at) + 1);
    }
    ASSERT_EQ(fast, slow) << piece;
  }
}

TEST(StreamDecoder, NeverEmitsHalfACharacterAndAddsUpToDecode) {
  const Tokenizer& t = deepseek_v3();
  Rng rng(11);
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (uint64_t n = rng.below(30); n-- > 0;) {
      ids.push_back(static_cast<int32_t>(rng.below(2) ? 3 + rng.below(256) : rng.below(t.vocab_size())));
    }
    if (rng.below(2)) ids = t.encode("🐋 naïve 鯨が泳ぐ" + t.decode(ids));
    StreamDecoder stream(t);
    std::string text;
    for (const int32_t id : ids) {
      const std::string part = stream.push(id);
      std::string valid;
      EXPECT_EQ(append_utf8_lossy(part, true, &valid), part.size());
      EXPECT_EQ(valid, part);
      text += part;
    }
    text += stream.flush();
    EXPECT_EQ(text, t.decode(ids));
  }
}

TEST(StreamDecoder, HoldsTheTailOfACharacter) {
  const Tokenizer& t = deepseek_v3();
  Ids ids;
  for (const char c : std::string("🐋")) {
    for (int32_t id = 3; id < 259; ++id) {
      if (t.token_bytes(id)[0] == c) ids.push_back(id);
    }
  }
  ASSERT_EQ(ids.size(), 4u);
  StreamDecoder stream(t, true);
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.push(ids[1]), "");
  EXPECT_EQ(stream.push(0), "");  // BOS, skipped
  EXPECT_EQ(stream.push(ids[2]), "");
  EXPECT_EQ(stream.push(ids[3]), "🐋");
  EXPECT_EQ(stream.push(ids[0]), "");
  EXPECT_EQ(stream.flush(), "\uFFFD");
  EXPECT_EQ(stream.flush(), "");
}

TEST(Tokenizer, ManyThreadsEncodeAtOnce) {
  const std::string text = read_file(kTokenizerData + "deepseek-v3/wikitext-chunk.txt");
  const Ids expected = deepseek_v3().encode(text);
  std::vector<Ids> found(4);
  std::vector<std::thread> threads;
  for (Ids& ids : found) threads.emplace_back([&ids, &text] { ids = deepseek_v3().encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : found) EXPECT_EQ(ids, expected);
}

}  // namespace
}  // namespace minke
