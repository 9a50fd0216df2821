#include "data/tokenizer/tokenizer.h"

#include <array>
#include <atomic>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

// Ids of pieces met before, one table a thread, one place a hash: text repeats its words.
class PieceCache {
 public:
  static constexpr size_t kMaxBytes = 24, kMaxIds = 8;
  struct Entry {
    uint8_t bytes = 0, ids = 0;
    char text[kMaxBytes];
    int32_t id[kMaxIds];
  };
  static PieceCache& of_thread(uint64_t serial) {
    thread_local PieceCache cache;
    if (cache.serial_ != serial) {
      cache.serial_ = serial;
      cache.entries_.assign(kSize, Entry());
    }
    return cache;
  }
  Entry& at(std::string_view piece) { return entries_[xxh3_64(piece) & (kSize - 1)]; }
  static bool holds(const Entry& entry, std::string_view piece) {
    return entry.bytes == piece.size() && std::memcmp(entry.text, piece.data(), piece.size()) == 0;
  }

 private:
  static constexpr size_t kSize = 1 << 14;  // 60-byte entries: under a megabyte
  uint64_t serial_ = 0;
  std::vector<Entry> entries_;
};

std::atomic<uint64_t> last_serial{0};

}  // namespace

Tokenizer::Tokenizer(TokenizerSpec spec) : spec_(std::move(spec)), added_(spec_.added), serial_(++last_serial) {
  int32_t size = static_cast<int32_t>(spec_.vocab.size());
  std::unordered_map<int32_t, const AddedToken*> added_by_id;
  for (const AddedToken& token : spec_.added) {
    added_by_id[token.id] = &token;
    size = std::max(size, token.id + 1);
  }
  special_.resize(size);
  offsets_.reserve(size + 1);
  offsets_.push_back(0);
  std::array<int32_t, 256> byte_ids;
  byte_ids.fill(-1);
  for (int32_t id = 0; id < size; ++id) {
    if (const auto it = added_by_id.find(id); it != added_by_id.end()) {
      bytes_ += it->second->content;
      special_[id] = it->second->special;
    } else {
      MINKE_CHECK_LT(id, static_cast<int32_t>(spec_.vocab.size()));
      const auto bytes = from_byte_alphabet(spec_.vocab[id]);
      bytes_ += bytes ? *bytes : spec_.vocab[id];
      if (bytes && bytes->size() == 1) byte_ids[static_cast<uint8_t>((*bytes)[0])] = id;
      if (bytes && spec_.ignore_merges) whole_.emplace(*bytes, id);
    }
    offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (byte_ids[byte] < 0) {
      fail("the tokenizer's vocabulary has no token for byte 0x{:02X}, expected all 256; is it byte-level BPE?", byte);
    }
  }
  bpe_ = BpeModel(byte_ids, spec_.merges);
}

Tokenizer Tokenizer::load(const std::string& path) {
  if (!file_exists(path)) fail("{}: no tokenizer there; expected a model folder or a tokenizer.json", path);
  return Tokenizer(read_tokenizer(path));
}

void Tokenizer::save(const std::string& folder) const {
  make_folders(folder);
  write_file_atomic(folder + "/tokenizer.json", tokenizer_json(spec_));
  write_file_atomic(folder + "/tokenizer_config.json", tokenizer_config_json(spec_));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool allow_special) const {
  std::vector<int32_t> ids;
  encode(text, allow_special, &ids);
  return ids;
}

void Tokenizer::encode(std::string_view text, bool allow_special, std::vector<int32_t>* ids) const {
  if (!allow_special) {
    encode_plain(text, ids);
    return;
  }
  for (const TextSpan& span : added_.split(text)) {
    if (span.id >= 0) {
      ids->push_back(span.id);
    } else {
      encode_plain(span.text, ids);
    }
  }
}

void Tokenizer::encode_plain(std::string_view text, std::vector<int32_t>* ids) const {
  PieceCache& cache = PieceCache::of_thread(serial_);
  while (!text.empty()) {
    const std::string_view piece = first_piece(spec_.pre_tokenizer, text);
    text.remove_prefix(piece.size());
    if (piece.size() > PieceCache::kMaxBytes) {
      encode_piece(piece, ids);
      continue;
    }
    PieceCache::Entry& entry = cache.at(piece);
    if (PieceCache::holds(entry, piece)) {
      ids->insert(ids->end(), entry.id, entry.id + entry.ids);
      continue;
    }
    const size_t before = ids->size();
    encode_piece(piece, ids);
    const size_t count = ids->size() - before;
    if (count > PieceCache::kMaxIds) continue;
    entry.bytes = static_cast<uint8_t>(piece.size());
    entry.ids = static_cast<uint8_t>(count);
    std::memcpy(entry.text, piece.data(), piece.size());
    std::memcpy(entry.id, ids->data() + before, count * sizeof(int32_t));
  }
}

void Tokenizer::encode_piece(std::string_view piece, std::vector<int32_t>* ids) const {
  if (spec_.ignore_merges) {
    if (const auto it = whole_.find(std::string(piece)); it != whole_.end()) {
      ids->push_back(it->second);
      return;
    }
  }
  bpe_.encode(piece, ids);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes, text;
  for (const int32_t id : ids) {
    const std::string_view token = token_bytes(id);
    if (!(skip_special && special_[id])) bytes += token;
  }
  append_utf8_lossy(bytes, false, &text);
  return text;
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
  if (!has(id)) fail("token id {} is outside the tokenizer's {} tokens", id, vocab_size());
  return std::string_view(bytes_).substr(offsets_[id], offsets_[id + 1] - offsets_[id]);
}

bool Tokenizer::is_special(int32_t id) const { return has(id) && special_[id]; }

int32_t Tokenizer::special_id(std::string_view content) const {
  for (const AddedToken& token : spec_.added) {
    if (token.content == content) return token.id;
  }
  return -1;
}

std::string StreamDecoder::push(int32_t id) {
  const std::string_view bytes = tokenizer_.token_bytes(id);
  if (skip_special_ && tokenizer_.is_special(id)) return "";
  tail_ += bytes;
  std::string text;
  tail_.erase(0, append_utf8_lossy(tail_, true, &text));
  return text;
}

std::string StreamDecoder::flush() {
  std::string text;
  append_utf8_lossy(tail_, false, &text);
  tail_.clear();
  return text;
}

}  // namespace minke
