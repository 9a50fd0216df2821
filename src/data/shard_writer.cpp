#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "data/shard.h"
#include "data/shard_layout.h"

namespace minke {

ShardWriter::ShardWriter(const Tokenizer& tokenizer, Sink sink)
    : sink_(std::move(sink)),
      vocab_size_(uint32_t(tokenizer.vocab_size())),
      token_bytes_(vocab_size_ <= 65536 ? 2 : 4),
      bos_(tokenizer.bos_id()),
      eos_(tokenizer.eos_id()) {
  if (bos_ < 0 || eos_ < 0) fail("the tokenizer names no {} token; documents need both BOS and EOS", bos_ < 0 ? "BOS" : "EOS");
  ShardHeader header{};
  std::memcpy(header.magic, kShardMagic, sizeof kShardMagic);
  header.version = kShardVersion;
  header.token_bytes = token_bytes_;
  header.vocab_size = vocab_size_;
  header.bos = bos_;
  header.eos = eos_;
  header.tokenizer = tokenizer_hash(tokenizer);
  header.checksum = xxh3_64(&header, offsetof(ShardHeader, checksum));
  sink_(&header, sizeof header);
}

void ShardWriter::close_block() {
  block_sums_.push_back(xxh3_64(block_));
  sink_(block_.data(), block_.size());
  block_.clear();
}

void ShardWriter::put(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const size_t n = std::min(bytes, kShardBlock - block_.size());
    block_.append(at, n);
    at += n;
    bytes -= n;
    if (block_.size() == kShardBlock) close_block();
  }
}

void ShardWriter::put_token(int32_t id) {
  const uint32_t wide = uint32_t(id);
  put(&wide, token_bytes_);  // little-endian: the low half comes first
  ++tokens_;
}

void ShardWriter::add(std::span<const int32_t> ids, uint64_t source_bytes, TextKind kind, const std::string& source) {
  if (sources_.empty() || sources_.back() != source) sources_.push_back(source);
  documents_.push_back({tokens_, source_bytes, kind, uint32_t(sources_.size() - 1)});
  source_bytes_ += source_bytes;
  put_token(bos_);
  for (const int32_t id : ids) put_token(id);
  put_token(eos_);
}

void ShardWriter::finish() {
  if (documents_.empty()) fail("there is no document to pack; every input is empty");
  constexpr uint64_t kZero = 0;
  put(&kZero, padded8(tokens_ * token_bytes_) - tokens_ * token_bytes_);
  for (const ShardDocument& d : documents_) {
    const ShardEntry entry{d.first_token, d.source_bytes, uint32_t(d.kind), d.source};
    put(&entry, sizeof entry);
  }
  uint64_t name_bytes = 0;
  for (const std::string& source : sources_) {
    const uint32_t size = uint32_t(source.size());
    put(&size, sizeof size);
    put(source.data(), source.size());
    name_bytes += sizeof size + source.size();
  }
  put(&kZero, padded8(name_bytes) - name_bytes);
  if (!block_.empty()) close_block();
  sink_(block_sums_.data(), block_sums_.size() * sizeof(uint64_t));

  ShardFooter footer{};
  footer.tokens = tokens_;
  footer.documents = documents_.size();
  footer.sources = sources_.size();
  footer.source_name_bytes = name_bytes;
  footer.source_bytes = source_bytes_;
  footer.blocks = block_sums_.size();
  footer.block_sums_checksum = xxh3_64(block_sums_.data(), block_sums_.size() * sizeof(uint64_t));
  footer.checksum = xxh3_64(&footer, offsetof(ShardFooter, checksum));
  std::memcpy(footer.magic, kShardEnd, sizeof kShardEnd);
  sink_(&footer, sizeof footer);
}

}  // namespace minke
