#pragma once
// Text <-> token ids, byte-level BPE. Immutable after construction; every method may be called from many threads at
// once.
//   text -> added tokens cut out (if allowed) -> pieces (pretokenizer.h) -> ids (bpe.h)
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/tokenizer/added_tokens.h"
#include "data/tokenizer/bpe.h"
#include "data/tokenizer/tokenizer_spec.h"

namespace minke {

class Tokenizer {
 public:
  explicit Tokenizer(TokenizerSpec spec);

  // A model folder or the path of a tokenizer.json. Error if it is malformed or asks for something unsupported.
  static Tokenizer load(const std::string& path);

  // Writes tokenizer.json and tokenizer_config.json; makes the folder. Each file is replaced atomically.
  void save(const std::string& folder) const;

  // The ids of `text`; no BOS is added. Added tokens (BOS, <｜User｜>, <think>, ...) are plain text unless
  // `allow_special`. Bytes that are not UTF-8 are encoded as themselves.
  std::vector<int32_t> encode(std::string_view text, bool allow_special = false) const;
  void encode(std::string_view text, bool allow_special, std::vector<int32_t>* ids) const;  // appends

  // UTF-8 text; ill-formed bytes become U+FFFD. `skip_special` leaves out added tokens marked special (BOS, EOS,
  // placeholders). Error on an id that is no token.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  int32_t vocab_size() const { return static_cast<int32_t>(offsets_.size()) - 1; }  // highest id + 1
  bool has(int32_t id) const { return id >= 0 && id < vocab_size(); }
  std::string_view token_bytes(int32_t id) const;      // of an added token: its text. Error on an id that is no token
  bool is_special(int32_t id) const;                   // an added token marked special
  int32_t special_id(std::string_view content) const;  // of an added token by its text; -1: there is none
  int32_t bos_id() const { return spec_.bos; }         // -1: none
  int32_t eos_id() const { return spec_.eos; }
  int32_t pad_id() const { return spec_.pad; }
  const TokenizerSpec& spec() const { return spec_; }

 private:
  void encode_plain(std::string_view text, std::vector<int32_t>* ids) const;
  void encode_piece(std::string_view piece, std::vector<int32_t>* ids) const;

  TokenizerSpec spec_;
  std::string bytes_;              // of all tokens, one after the other
  std::vector<uint32_t> offsets_;  // [vocab_size + 1] into bytes_
  std::vector<uint8_t> special_;   // [vocab_size]
  BpeModel bpe_;
  AddedTokenMatcher added_;
  std::unordered_map<std::string, int32_t> whole_;  // with ignore_merges: token bytes -> id
  uint64_t serial_;                                 // names this tokenizer in the per-thread cache of pieces
};

// Turns a stream of ids into text that is valid UTF-8 at every step: a character split over tokens comes with its last
// byte. All pushes and the flush together give decode()'s text.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = false)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}
  std::string push(int32_t id);
  std::string flush();  // the incomplete rest as U+FFFD; the decoder is as new afterwards

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::string tail_;
};

}  // namespace minke
