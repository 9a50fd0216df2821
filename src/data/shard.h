#pragma once
// Tokenized documents in one block of bytes, on disk or in memory: docs/shard_format.md. Every document is BOS, its tokens, EOS.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "data/tokenizer/tokenizer.h"

namespace minke {

enum class TextKind : uint32_t { kProse = 0, kProblems = 1 };
inline constexpr int kTextKinds = 2;
const char* text_kind_name(TextKind kind);            // "prose", "problems"
TextKind parse_text_kind(std::string_view name);      // UsageError on another name

uint64_t tokenizer_hash(const Tokenizer& tokenizer);  // XXH3-64 of its tokenizer.json as we write it

struct ShardDocument {
  uint64_t first_token;
  uint64_t source_bytes;  // of its text, UTF-8, without BOS and EOS
  TextKind kind;
  uint32_t source;        // index into sources()
};

// A validated view of a shard's bytes. Immutable; any thread may read.
class Shard {
 public:
  // Maps the file and checks all of it: sizes, both checksummed ends, every block, every id, every document. Error names the file,
  // the place and what was expected.
  static std::shared_ptr<const Shard> open(const std::string& path);
  static std::shared_ptr<const Shard> from_memory(std::vector<uint8_t> bytes, const std::string& name);

  const std::string& name() const { return name_; }
  uint64_t tokens() const { return tokens_; }
  uint64_t source_bytes() const { return source_bytes_; }
  uint32_t vocab_size() const { return vocab_size_; }
  uint32_t token_bytes() const { return token_bytes_; }
  uint64_t tokenizer() const { return tokenizer_; }
  int32_t bos() const { return bos_; }
  int32_t eos() const { return eos_; }
  uint64_t size() const { return size_; }
  uint64_t checksum() const { return checksum_; }  // over all blocks: names the content
  const std::vector<ShardDocument>& documents() const { return documents_; }
  const std::vector<std::string>& sources() const { return sources_; }

  int32_t token(uint64_t at) const {
    return token_bytes_ == 2 ? reinterpret_cast<const uint16_t*>(token_data_)[at] : int32_t(reinterpret_cast<const uint32_t*>(token_data_)[at]);
  }
  void copy(uint64_t first, uint64_t n, int32_t* to) const;
  size_t document_at(uint64_t token) const;  // index of the document that holds the token

 private:
  Shard() = default;
  void parse(const uint8_t* data, size_t size, bool on_the_pool);

  std::string name_;
  std::unique_ptr<MappedFile> file_;
  std::vector<uint8_t> memory_;
  const uint8_t* token_data_ = nullptr;
  uint64_t size_ = 0, tokens_ = 0, source_bytes_ = 0, tokenizer_ = 0, checksum_ = 0;
  uint32_t vocab_size_ = 0, token_bytes_ = 0;
  int32_t bos_ = 0, eos_ = 0;
  std::vector<ShardDocument> documents_;
  std::vector<std::string> sources_;
};

// Writes a shard front to back into `sink`; nothing is rewritten, so the sink may be an AtomicFile. Holds the table of documents
// (24 bytes each) and one block.
class ShardWriter {
 public:
  using Sink = std::function<void(const void* data, size_t bytes)>;
  ShardWriter(const Tokenizer& tokenizer, Sink sink);  // Error if the tokenizer has no BOS or EOS
  void add(std::span<const int32_t> ids, uint64_t source_bytes, TextKind kind, const std::string& source);  // without BOS, EOS
  void finish();  // Error if there is no document
  uint64_t tokens() const { return tokens_; }
  uint64_t documents() const { return documents_.size(); }
  uint64_t source_bytes() const { return source_bytes_; }

 private:
  void put(const void* data, size_t bytes);  // into the current block
  void close_block();
  void put_token(int32_t id);

  Sink sink_;
  uint32_t vocab_size_, token_bytes_;
  int32_t bos_, eos_;
  uint64_t tokens_ = 0, source_bytes_ = 0;
  std::vector<ShardDocument> documents_;
  std::vector<std::string> sources_;
  std::string block_;
  std::vector<uint64_t> block_sums_;
};

}  // namespace minke
