#include "data/shard.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "base/threads.h"
#include "data/shard_layout.h"

namespace minke {
namespace {

// The counts of the footer are checked against the file before anything is computed from them: none can exceed its bytes.
ShardFooter read_footer(const std::string& name, const uint8_t* data, size_t size) {
  ShardFooter footer;
  std::memcpy(&footer, data + size - sizeof footer, sizeof footer);
  if (std::memcmp(footer.magic, kShardEnd, sizeof kShardEnd) != 0)
    fail("{}: does not end with MINKEEND, expected it in the last 8 of {} bytes; is the file truncated?", name, size);
  if (footer.checksum != xxh3_64(&footer, offsetof(ShardFooter, checksum)))
    fail("{}: the footer at byte {} does not match its checksum; the file is damaged", name, size - sizeof footer);
  for (const uint64_t count : {footer.tokens, footer.documents, footer.sources, footer.source_name_bytes, footer.blocks})
    if (count > size) fail("{}: the footer counts {} of something in a file of {} bytes", name, count, size);
  return footer;
}

ShardHeader read_header(const std::string& name, const uint8_t* data, size_t size) {
  ShardHeader header;
  if (size < sizeof header + sizeof(ShardFooter))
    fail("{}: {} bytes, a shard has at least {}; is the file truncated?", name, size, sizeof header + sizeof(ShardFooter));
  std::memcpy(&header, data, sizeof header);
  if (std::memcmp(header.magic, kShardMagic, sizeof kShardMagic) != 0) fail("{}: not a shard: expected MINKESHD in its first 8 bytes", name);
  if (header.version != kShardVersion)
    fail("{}: shard version {}, this minke reads version {}; pack the text again", name, header.version, kShardVersion);
  if (header.checksum != xxh3_64(&header, offsetof(ShardHeader, checksum)))
    fail("{}: the header does not match its checksum; the file is damaged", name);
  const uint32_t width = header.vocab_size <= 65536 ? 2 : 4;
  if (header.vocab_size == 0 || header.vocab_size > 0x7fffffff || header.token_bytes != width)
    fail("{}: {} bytes a token for a vocabulary of {}, expected {}", name, header.token_bytes, header.vocab_size, width);
  for (const int32_t id : {header.bos, header.eos})
    if (id < 0 || uint32_t(id) >= header.vocab_size) fail("{}: BOS or EOS is {}, expected 0 to {}", name, id, header.vocab_size - 1);
  if (header.zero != 0 || header.more[0] != 0 || header.more[1] != 0) fail("{}: reserved header bytes are not zero", name);
  return header;
}

template <class Token>
uint64_t first_outside(const uint8_t* data, uint64_t from, uint64_t to, uint32_t vocab_size) {
  const Token* tokens = reinterpret_cast<const Token*>(data);
  Token highest = 0;
  for (uint64_t i = from; i < to; ++i) highest = std::max(highest, tokens[i]);
  if (highest < vocab_size) return to;
  for (uint64_t i = from;; ++i)
    if (tokens[i] >= vocab_size) return i;
}

}  // namespace

const char* text_kind_name(TextKind kind) { return kind == TextKind::kProse ? "prose" : "problems"; }

TextKind parse_text_kind(std::string_view name) {
  for (const TextKind kind : {TextKind::kProse, TextKind::kProblems})
    if (name == text_kind_name(kind)) return kind;
  usage_fail("kind '{}' is unknown; expected prose or problems", name);
}

uint64_t tokenizer_hash(const Tokenizer& tokenizer) { return xxh3_64(tokenizer_json(tokenizer.spec())); }

std::shared_ptr<const Shard> Shard::open(const std::string& path) {
  std::shared_ptr<Shard> shard(new Shard);
  shard->name_ = path;
  shard->file_ = std::make_unique<MappedFile>(path);
  shard->parse(shard->file_->data(), shard->file_->size(), true);
  return shard;
}

std::shared_ptr<const Shard> Shard::from_memory(std::vector<uint8_t> bytes, const std::string& name) {
  std::shared_ptr<Shard> shard(new Shard);
  shard->name_ = name;
  shard->memory_ = std::move(bytes);
  shard->parse(shard->memory_.data(), shard->memory_.size(), false);  // also on prefetch threads
  return shard;
}

void Shard::parse(const uint8_t* data, size_t size, bool on_the_pool) {
  const ShardHeader header = read_header(name_, data, size);
  const ShardFooter footer = read_footer(name_, data, size);
  size_ = size;
  tokens_ = footer.tokens;
  source_bytes_ = footer.source_bytes;
  vocab_size_ = header.vocab_size;
  token_bytes_ = header.token_bytes;
  tokenizer_ = header.tokenizer;
  bos_ = header.bos;
  eos_ = header.eos;
  token_data_ = data + sizeof header;

  const uint64_t tokens_size = padded8(tokens_ * token_bytes_), table_size = footer.documents * sizeof(ShardEntry);
  const uint64_t body = tokens_size + table_size + padded8(footer.source_name_bytes);
  const uint64_t expected = sizeof header + body + footer.blocks * sizeof(uint64_t) + sizeof footer;
  if (size != expected || footer.blocks != (body + kShardBlock - 1) / kShardBlock)
    fail("{}: {} bytes, its counts need {}; the file is damaged", name_, size, expected);

  const uint8_t* sums = data + sizeof header + body;
  checksum_ = xxh3_64(sums, footer.blocks * sizeof(uint64_t));
  if (checksum_ != footer.block_sums_checksum) fail("{}: the block checksums do not match theirs; the file is damaged", name_);
  const auto check_block = [&](int64_t block) {
    const uint64_t from = uint64_t(block) * kShardBlock, to = std::min(from + kShardBlock, body);
    uint64_t sum;
    std::memcpy(&sum, sums + block * 8, sizeof sum);
    if (xxh3_64(token_data_ + from, to - from) != sum)
      fail("{}: bytes {} to {} do not match their checksum; the file is damaged", name_, sizeof header + from, sizeof header + to);
    const uint64_t first = std::min(from / token_bytes_, tokens_), last = std::min(to / token_bytes_, tokens_);
    const uint64_t bad = token_bytes_ == 2 ? first_outside<uint16_t>(token_data_, first, last, vocab_size_)
                                           : first_outside<uint32_t>(token_data_, first, last, vocab_size_);
    if (bad != last) fail("{}: token {} is {}, the vocabulary has {}", name_, bad, token(bad), vocab_size_);
  };
  if (on_the_pool) parallel_for(int64_t(footer.blocks), check_block);
  else for (int64_t block = 0; block < int64_t(footer.blocks); ++block) check_block(block);

  // Names, then documents, which point into them.
  const uint8_t* at = token_data_ + tokens_size + table_size;
  uint64_t left = footer.source_name_bytes;
  for (uint64_t i = 0; i < footer.sources; ++i) {
    uint32_t length = 0;
    if (left < sizeof length) fail("{}: the source names end after {} of {}", name_, i, footer.sources);
    std::memcpy(&length, at, sizeof length);
    if (length > left - sizeof length) fail("{}: source name {} has {} bytes, {} are left", name_, i, length, left - sizeof length);
    sources_.emplace_back(reinterpret_cast<const char*>(at) + sizeof length, length);
    at += sizeof length + length;
    left -= sizeof length + length;
  }
  if (left != 0) fail("{}: {} bytes after the last source name", name_, left);

  if (footer.documents == 0) fail("{}: holds no document", name_);
  documents_.resize(footer.documents);
  uint64_t total = 0;
  for (uint64_t i = 0; i < footer.documents; ++i) {
    ShardEntry entry, next{};
    const uint8_t* row = token_data_ + tokens_size + i * sizeof entry;
    std::memcpy(&entry, row, sizeof entry);
    next.first_token = tokens_;
    if (i + 1 < footer.documents) std::memcpy(&next, row + sizeof entry, sizeof next);
    if ((i == 0 && entry.first_token != 0) || next.first_token > tokens_ || next.first_token < 2 || entry.first_token > next.first_token - 2)
      fail("{}: document {} runs from token {} to {}", name_, i, entry.first_token, next.first_token);
    if (token(entry.first_token) != bos_ || token(next.first_token - 1) != eos_)
      fail("{}: document {} does not run from BOS to EOS", name_, i);
    if (entry.kind >= kTextKinds || entry.source >= footer.sources)
      fail("{}: document {} has kind {} and source {}, expected less than {} and {}", name_, i, entry.kind, entry.source, kTextKinds, footer.sources);
    documents_[i] = {entry.first_token, entry.source_bytes, TextKind(entry.kind), entry.source};
    total += entry.source_bytes;
  }
  if (total != source_bytes_) fail("{}: its documents have {} bytes of text, the footer says {}", name_, total, source_bytes_);
}

void Shard::copy(uint64_t first, uint64_t n, int32_t* to) const {
  MINKE_CHECK_LE(first, tokens_);
  MINKE_CHECK_LE(n, tokens_ - first);
  for (uint64_t i = 0; i < n; ++i) to[i] = token(first + i);
}

size_t Shard::document_at(uint64_t at) const {
  MINKE_CHECK_LT(at, tokens_);
  const auto after = std::upper_bound(documents_.begin(), documents_.end(), at, [](uint64_t t, const ShardDocument& d) { return t < d.first_token; });
  return size_t(after - documents_.begin()) - 1;
}

}  // namespace minke
