#include "data/shard.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.h"
#include "data/files.h"
#include "data/pack.h"
#include "data/shard_layout.h"

namespace minke {
namespace {

std::vector<uint8_t> packed(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::vector<uint8_t> bytes;
  ShardWriter writer(tokenizer, [&](const void* data, size_t n) {
    bytes.insert(bytes.end(), static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + n);
  });
  for (size_t i = 0; i < texts.size(); ++i)
    writer.add(tokenizer.encode(texts[i]), texts[i].size(), i % 2 ? TextKind::kProblems : TextKind::kProse, "source " + std::to_string(i / 2));
  writer.finish();
  return bytes;
}

void expect_documents(const Shard& shard, const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  ASSERT_EQ(shard.documents().size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const ShardDocument& d = shard.documents()[i];
    const uint64_t end = i + 1 < texts.size() ? shard.documents()[i + 1].first_token : shard.tokens();
    std::vector<int32_t> ids(end - d.first_token);
    shard.copy(d.first_token, ids.size(), ids.data());
    ASSERT_EQ(ids.front(), tokenizer.bos_id());
    ASSERT_EQ(ids.back(), tokenizer.eos_id());
    EXPECT_EQ(tokenizer.decode(std::span(ids).subspan(1, ids.size() - 2)), texts[i]);
    EXPECT_EQ(d.source_bytes, texts[i].size());
    EXPECT_EQ(d.kind, i % 2 ? TextKind::kProblems : TextKind::kProse);
    EXPECT_EQ(shard.sources()[d.source], "source " + std::to_string(i / 2));
    EXPECT_EQ(shard.document_at(d.first_token), i);
    EXPECT_EQ(shard.document_at(end - 1), i);
  }
}

TEST(Shard, RoundTrip) {
  const auto tokenizer = small_tokenizer();
  const std::vector<std::string> texts = {"A cheap genius.", "3 + 4 = 7", "", "élan \n\n", "last"};
  const auto bytes = packed(*tokenizer, texts);
  const Scratch scratch;
  const std::string path = scratch.write("a.minke", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (const auto& shard : {Shard::from_memory(bytes, "memory"), Shard::open(path)}) {
    expect_documents(*shard, *tokenizer, texts);
    EXPECT_EQ(shard->token_bytes(), 2u);
    EXPECT_EQ(shard->vocab_size(), 500u);
    EXPECT_EQ(shard->tokenizer(), tokenizer_hash(*tokenizer));
    EXPECT_EQ(shard->source_bytes(), 15u + 9 + 0 + 8 + 4);
  }
}

TEST(Shard, SeveralBlocks) {
  const auto tokenizer = small_tokenizer();
  std::vector<std::string> texts(9);
  for (size_t i = 0; i < texts.size(); ++i)
    for (int k = 0; k < 40000; ++k) texts[i] += std::to_string(k * 31 + int(i)) + " ";
  const auto shard = Shard::from_memory(packed(*tokenizer, texts), "memory");
  EXPECT_GT(shard->tokens() * 2, 3u << 20);
  expect_documents(*shard, *tokenizer, texts);
}

TEST(Shard, WideVocabularyTakesFourBytes) {
  TokenizerSpec spec = small_tokenizer()->spec();
  for (int32_t id = small_tokenizer()->vocab_size(); id < 70000; ++id) spec.added.push_back({id, "<extra " + std::to_string(id) + ">"});
  const Tokenizer tokenizer(spec);
  ASSERT_GT(tokenizer.vocab_size(), 65536);
  std::vector<uint8_t> bytes;
  ShardWriter writer(tokenizer, [&](const void* data, size_t n) {
    bytes.insert(bytes.end(), static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + n);
  });
  const std::vector<int32_t> ids = {5, 69000, 65535, 65536};
  writer.add(ids, 4, TextKind::kProse, "s");
  writer.finish();
  const auto shard = Shard::from_memory(bytes, "memory");
  EXPECT_EQ(shard->token_bytes(), 4u);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(shard->token(i + 1), ids[i]);
}

TEST(Shard, EveryFlippedBitIsFound) {
  const auto bytes = packed(*small_tokenizer(), {"A cheap genius.", "3 + 4 = 7", "and more"});
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = bytes;
      bad[at] ^= uint8_t(1 << bit);
      EXPECT_NE(error_of([&] { Shard::from_memory(bad, "x"); }), "") << "byte " << at << " bit " << bit;
    }
}

TEST(Shard, EveryTruncationIsFound) {
  const auto bytes = packed(*small_tokenizer(), {"A cheap genius.", "3 + 4 = 7", "and more"});
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_NE(error_of([&] { Shard::from_memory({bytes.begin(), bytes.begin() + int64_t(n)}, "x"); }), "") << n;
  auto longer = bytes;
  longer.push_back(0);
  EXPECT_NE(error_of([&] { Shard::from_memory(longer, "x"); }), "");
}

// Damage under right checksums: what a writer with a fault, or an attacker, would leave.
void seal(std::vector<uint8_t>& bytes) {
  ShardHeader header;
  ShardFooter footer;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.checksum = xxh3_64(&header, offsetof(ShardHeader, checksum));
  std::memcpy(bytes.data(), &header, sizeof header);
  uint8_t* end = bytes.data() + bytes.size() - sizeof footer;
  std::memcpy(&footer, end, sizeof footer);
  const uint64_t sum = xxh3_64(bytes.data() + sizeof header, bytes.size() - sizeof header - sizeof footer - 8);  // one block
  std::memcpy(end - 8, &sum, 8);
  footer.block_sums_checksum = xxh3_64(&sum, 8);
  footer.checksum = xxh3_64(&footer, offsetof(ShardFooter, checksum));
  std::memcpy(end, &footer, sizeof footer);
}

TEST(Shard, SealedNonsenseIsFound) {
  const auto tokenizer = small_tokenizer();
  const auto bytes = packed(*tokenizer, {"A cheap genius.", "3 + 4 = 7"});
  const auto shard = Shard::from_memory(bytes, "x");
  const size_t tokens = sizeof(ShardHeader), table = tokens + padded8(shard->tokens() * 2), footer = bytes.size() - sizeof(ShardFooter);
  struct Case {
    size_t at, width;
    uint64_t value;
    const char* says;
  };
  const Case cases[] = {
      {8, 4, 2, "shard version 2"},
      {12, 4, 4, "4 bytes a token"},
      {16, 4, 100, "the vocabulary has 100"},
      {20, 4, 500, "BOS or EOS is 500"},
      {28, 4, 1, "reserved"},
      {tokens + 4, 2, 500, "token 2 is 500"},
      {tokens, 2, 7, "does not run from BOS to EOS"},
      {table + 24, 8, 1, "document 0 runs from token 0 to 1"},
      {table + 24, 8, 1ull << 60, "document 0 runs"},
      {table, 8, 1, "document 0 runs from token 1"},
      {table + 8, 8, 99, "bytes of text"},
      {table + 16, 4, 2, "has kind 2"},
      {table + 20, 4, 1, "source 1"},
      {table + 48, 4, 1000, "source name 0 has 1000 bytes"},
      {footer, 8, shard->tokens() + 64, "its counts need"},
      {footer, 8, 1ull << 62, "counts"},
      {footer + 8, 8, 0, "its counts need"},
      {footer + 40, 8, 2, "its counts need"},
  };
  for (const Case& c : cases) {
    auto bad = bytes;
    std::memcpy(bad.data() + c.at, &c.value, c.width);
    seal(bad);
    const std::string message = error_of([&] { Shard::from_memory(bad, "x"); });
    EXPECT_NE(message.find(c.says), std::string::npos) << "byte " << c.at << " says: " << message;
  }
}

TEST(Shard, OtherTokenizerIsRefused) {
  const Scratch scratch;
  const auto bytes = packed(*small_tokenizer(), {"A cheap genius."});
  const std::string path = scratch.write("a.bin", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  EXPECT_EQ(open_shards(*small_tokenizer(), {path}, TextKind::kProse).size(), 1u);  // known by its first bytes
  TokenizerSpec spec = small_tokenizer()->spec();
  std::swap(spec.merges[3], spec.merges[4]);
  EXPECT_NE(error_of([&] { open_shards(Tokenizer(spec), {path}, TextKind::kProse); }).find("another tokenizer"), std::string::npos);
}

TEST(Shard, NothingToPack) {
  const Scratch scratch;
  const std::string path = scratch.write("empty.txt", "");
  EXPECT_NE(error_of([&] { open_shards(*small_tokenizer(), {path}, TextKind::kProse); }).find("no text"), std::string::npos);
}

}  // namespace
}  // namespace minke
