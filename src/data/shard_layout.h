#pragma once
// The bytes of docs/shard_format.md. All numbers are little-endian, as is every machine we build for.
#include <bit>
#include <cstddef>
#include <cstdint>

namespace minke {

static_assert(std::endian::native == std::endian::little);

inline constexpr char kShardMagic[8] = {'M', 'I', 'N', 'K', 'E', 'S', 'H', 'D'};
inline constexpr char kShardEnd[8] = {'M', 'I', 'N', 'K', 'E', 'E', 'N', 'D'};
inline constexpr uint32_t kShardVersion = 1;
inline constexpr size_t kShardBlock = 1 << 20;

struct ShardHeader {
  char magic[8];
  uint32_t version, token_bytes, vocab_size;
  int32_t bos, eos;
  uint32_t zero;
  uint64_t tokenizer, more[2];
  uint64_t checksum;  // XXH3-64 of the bytes before
};
static_assert(sizeof(ShardHeader) == 64);

struct ShardEntry {
  uint64_t first_token, source_bytes;
  uint32_t kind, source;
};
static_assert(sizeof(ShardEntry) == 24);

struct ShardFooter {
  uint64_t tokens, documents, sources, source_name_bytes, source_bytes, blocks;
  uint64_t block_sums_checksum;
  uint64_t checksum;  // XXH3-64 of the bytes before
  char magic[8];
};
static_assert(sizeof(ShardFooter) == 72);

inline constexpr uint64_t padded8(uint64_t n) { return (n + 7) / 8 * 8; }

}  // namespace minke
