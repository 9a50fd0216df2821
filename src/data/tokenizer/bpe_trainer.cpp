#include "data/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "base/error.h"
#include "data/tokenizer/added_tokens.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

using Pair = uint64_t;  // left << 32 | right
Pair make_pair(int32_t left, int32_t right) { return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right); }
int32_t left_of(Pair pair) { return static_cast<int32_t>(pair >> 32); }
int32_t right_of(Pair pair) { return static_cast<int32_t>(pair & 0xFFFFFFFF); }

int number_characters(std::string_view bytes) {
  int count = 0;
  const char* const end = bytes.data() + bytes.size();
  for (const char* p = bytes.data(); p < end;) {
    const Utf8Step step = utf8_step(p, end);
    count += step.state == Utf8Step::kValid && (char_classes()[step.code_point] & kNumber);
    p += step.bytes;
  }
  return count;
}

// The distinct pieces of the texts as token ids, and the counts of their adjacent pairs, kept up to date merge by
// merge.
class PairTable {
 public:
  PairTable(std::vector<std::string>* tokens, bool digit_merges)
      : tokens_(tokens), digit_merges_(digit_merges), queue_(Less{tokens}) {}

  void add_word(std::vector<int32_t> ids, int64_t count) {
    const uint32_t word = static_cast<uint32_t>(words_.size());
    words_.push_back({std::move(ids), count});
    count_pairs(word, 1);
  }

  // The most frequent pair, or false when none is left.
  bool best(Pair* pair) {
    push_fresh();
    while (!queue_.empty()) {
      const Entry top = queue_.top();
      queue_.pop();
      const int64_t count = pairs_[top.pair].count;
      if (count == top.count) {
        *pair = top.pair;
        return true;
      }
      if (count > 0)
        queue_.push({count, top.pair});  // counts only fall between pushes, so the queue never hides a better pair
    }
    return false;
  }

  void merge(Pair pair, int32_t result) {
    const std::vector<uint32_t> where = std::move(pairs_[pair].words);
    for (const uint32_t word : where) {
      std::vector<int32_t>& ids = words_[word].ids;
      if (!contains(ids, pair)) continue;  // listed twice, or merged away since
      count_pairs(word, -1);
      size_t out = 0;
      for (size_t i = 0; i < ids.size(); ++out) {
        const bool here = i + 1 < ids.size() && make_pair(ids[i], ids[i + 1]) == pair;
        ids[out] = here ? result : ids[i];
        i += here ? 2 : 1;
      }
      ids.resize(out);
      count_pairs(word, 1, result);
    }
    pairs_.erase(pair);
  }

 private:
  struct Word {
    std::vector<int32_t> ids;
    int64_t count;
  };
  struct PairCount {
    int64_t count = 0;
    std::vector<uint32_t> words;  // a superset of the words that hold the pair
  };
  struct Entry {
    int64_t count;
    Pair pair;
  };
  struct Less {
    const std::vector<std::string>* tokens;
    bool operator()(const Entry& a, const Entry& b) const {
      if (a.count != b.count) return a.count < b.count;
      const std::string &left_a = (*tokens)[left_of(a.pair)], &left_b = (*tokens)[left_of(b.pair)];
      if (left_a != left_b) return left_a < left_b;
      return (*tokens)[right_of(a.pair)] < (*tokens)[right_of(b.pair)];
    }
  };

  static bool contains(const std::vector<int32_t>& ids, Pair pair) {
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      if (make_pair(ids[i], ids[i + 1]) == pair) return true;
    }
    return false;
  }

  // Adds (sign 1) or takes back (sign -1) a word's pairs. Only pairs with the `fresh` token can be new to it; -1: all
  // are.
  void count_pairs(uint32_t word, int sign, int32_t fresh = -1) {
    const auto& [ids, count] = words_[word];
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const Pair pair = make_pair(ids[i], ids[i + 1]);
      PairCount& entry = pairs_[pair];
      entry.count += sign * count;
      if (sign > 0 && (fresh < 0 || ids[i] == fresh || ids[i + 1] == fresh)) {
        entry.words.push_back(word);
        fresh_.push_back(pair);
      }
    }
  }

  // Pairs whose count has grown enter the queue with it.
  void push_fresh() {
    std::sort(fresh_.begin(), fresh_.end());
    fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
    for (const Pair pair : fresh_) {
      const auto it = pairs_.find(pair);
      if (it == pairs_.end() || it->second.count <= 0) continue;
      if (!digit_merges_ && number_characters((*tokens_)[left_of(pair)] + (*tokens_)[right_of(pair)]) > 1) continue;
      queue_.push({it->second.count, pair});
    }
    fresh_.clear();
  }

  const std::vector<std::string>* tokens_;  // bytes by id
  bool digit_merges_;
  std::vector<Word> words_;
  std::unordered_map<Pair, PairCount> pairs_;
  std::vector<Pair> fresh_;
  std::priority_queue<Entry, std::vector<Entry>, Less> queue_;
};

std::unordered_map<std::string_view, int64_t> count_pieces(const std::vector<std::string_view>& texts,
                                                           const TokenizerTraining& options) {
  std::vector<AddedToken> added = options.front;
  added.insert(added.end(), options.back.begin(), options.back.end());
  const AddedTokenMatcher matcher(added);
  std::unordered_map<std::string_view, int64_t> counts;
  for (const std::string_view text : texts) {
    for (const TextSpan& span : matcher.split(text)) {
      if (span.id >= 0) continue;
      for (std::string_view rest = span.text; !rest.empty();) {
        const std::string_view piece = first_piece(options.pre_tokenizer, rest);
        ++counts[piece];
        rest.remove_prefix(piece.size());
      }
    }
  }
  return counts;
}

int32_t find_added(const TokenizerSpec& spec, const std::string& content) {
  if (content.empty()) return -1;
  for (const AddedToken& token : spec.added) {
    if (token.content == content) return token.id;
  }
  fail("special token {} is not among the tokens to add", content);
}

}  // namespace

TokenizerTraining deepseek_v3_training() {
  TokenizerTraining options;
  const auto token = [](std::string content, bool special) {
    AddedToken out;
    out.content = std::move(content);
    out.special = special;
    return out;
  };
  options.bos = "<｜begin▁of▁sentence｜>";
  options.eos = "<｜end▁of▁sentence｜>";
  options.pad = "<｜▁pad▁｜>";
  options.front = {token(options.bos, true), token(options.eos, true), token(options.pad, true)};
  // As in V3, roles and thinking are not marked special: text decoded without special tokens keeps them.
  for (const char* content : {"<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"})
    options.back.push_back(token(content, false));
  for (int i = 0; i < 16; ++i) options.back.push_back(token(fmt::format("<｜place▁holder▁no▁{}｜>", i), true));
  return options;
}

TokenizerSpec train_tokenizer(const std::vector<std::string_view>& texts, const TokenizerTraining& options) {
  const int64_t fixed = static_cast<int64_t>(options.front.size() + 256 + options.back.size());
  if (options.vocab_size < fixed) {
    fail("a vocabulary of {} tokens is too small: 256 bytes and {} added tokens need {}", options.vocab_size,
         fixed - 256, fixed);
  }
  const size_t model_size = options.vocab_size - options.back.size();

  std::vector<std::string> tokens;  // bytes by id
  std::unordered_map<std::string, int32_t> ids;
  for (const AddedToken& token : options.front) tokens.push_back(token.content);
  const int32_t first_byte = static_cast<int32_t>(tokens.size());
  int32_t byte_id[256];
  for (int i = 0; i < 256; ++i) {
    const uint8_t byte = bytes_in_alphabet_order()[i];
    byte_id[byte] = first_byte + i;
    tokens.emplace_back(1, static_cast<char>(byte));
  }

  PairTable pairs(&tokens, options.digit_merges);
  for (const auto& [piece, count] : count_pieces(texts, options)) {
    std::vector<int32_t> word;
    for (const char c : piece) word.push_back(byte_id[static_cast<uint8_t>(c)]);
    if (word.size() > 1) pairs.add_word(std::move(word), count);
  }

  TokenizerSpec spec;
  while (tokens.size() < model_size) {
    Pair pair;
    if (!pairs.best(&pair)) {
      fail("the text gives {} merges, expected {} for a vocabulary of {}; give more text or a smaller vocabulary",
           spec.merges.size(), model_size - first_byte - 256, options.vocab_size);
    }
    std::string bytes = tokens[left_of(pair)] + tokens[right_of(pair)];
    // Two ways to one string are two merges and one token.
    const auto [it, is_new] = ids.try_emplace(bytes, static_cast<int32_t>(tokens.size()));
    if (is_new) tokens.push_back(std::move(bytes));
    spec.merges.push_back({left_of(pair), right_of(pair), it->second});
    pairs.merge(pair, it->second);
  }

  spec.pre_tokenizer = options.pre_tokenizer;
  for (size_t id = 0; id < tokens.size(); ++id) {
    const bool added = id < options.front.size();
    spec.vocab.push_back(added ? tokens[id] : to_byte_alphabet(tokens[id]));
  }
  spec.added = options.front;
  spec.added.insert(spec.added.end(), options.back.begin(), options.back.end());
  for (size_t i = 0; i < spec.added.size(); ++i) {
    const bool front = i < options.front.size();
    spec.added[i].id = static_cast<int32_t>(front ? i : model_size + i - options.front.size());
  }
  spec.bos = find_added(spec, options.bos);
  spec.eos = find_added(spec, options.eos);
  spec.pad = find_added(spec, options.pad);
  return spec;
}

}  // namespace minke
