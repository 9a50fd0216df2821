#include "data/windows.h"

#include <algorithm>

#include "base/error.h"
#include "data/pack.h"

namespace minke {

void add_windows(const Tokenizer& tokenizer, std::span<const int32_t> ids, int64_t length, TextKind kind, EvalSet& set) {
  if (length < 2) fail("windows of {} tokens: expected at least 2, BOS and one to predict", length);
  if (tokenizer.bos_id() < 0) fail("the tokenizer names no BOS token, with which each window starts");
  for (size_t from = 0; from < ids.size(); from += size_t(length - 1)) {
    const auto part = ids.subspan(from, std::min(size_t(length - 1), ids.size() - from));
    EvalWindow window{{tokenizer.bos_id()}, 0, kind};
    window.tokens.insert(window.tokens.end(), part.begin(), part.end());
    for (const int32_t id : part) window.bytes += int64_t(tokenizer.token_bytes(id).size());
    set.tokens += int64_t(part.size());
    set.bytes += window.bytes;
    set.windows.push_back(std::move(window));
  }
}

EvalSet text_windows(const Tokenizer& tokenizer, std::string_view text, int64_t length) {
  EvalSet set;
  add_windows(tokenizer, tokenizer.encode(text), length, TextKind::kProse, set);
  return set;
}

EvalSet file_windows(const Tokenizer& tokenizer, const std::vector<std::string>& paths, int64_t length) {
  EvalSet set;
  std::vector<int32_t> ids;
  for (const auto& shard : open_shards(tokenizer, paths, TextKind::kProse)) {
    const auto& documents = shard->documents();
    for (size_t i = 0; i < documents.size(); ++i) {
      const uint64_t end = i + 1 < documents.size() ? documents[i + 1].first_token : shard->tokens();
      ids.resize(size_t(end - documents[i].first_token - 2));  // between BOS and EOS
      shard->copy(documents[i].first_token + 1, ids.size(), ids.data());
      add_windows(tokenizer, ids, length, documents[i].kind, set);
    }
  }
  return set;
}

EvalSet problem_windows(const Tokenizer& tokenizer, const MixWeights& weights, Split split, uint64_t seed, int64_t bytes, int64_t length) {
  EvalSet set;
  for (const MixDocument& document : mix_block(weights, split, seed, 0, bytes))
    add_windows(tokenizer, tokenizer.encode(document.text, true), length, TextKind::kProblems, set);
  return set;
}

EvalSet spread(const EvalSet& set, int64_t n) {
  const int64_t all = int64_t(set.windows.size());
  if (n >= all) return set;
  EvalSet part;
  for (int64_t i = 0; i < n; ++i) {
    part.windows.push_back(set.windows[size_t(i * all / n)]);
    part.tokens += int64_t(part.windows.back().tokens.size()) - 1;
    part.bytes += part.windows.back().bytes;
  }
  return part;
}

std::vector<std::vector<int32_t>> window_tokens(const EvalSet& set) {
  std::vector<std::vector<int32_t>> out;
  out.reserve(set.windows.size());
  for (const EvalWindow& w : set.windows) out.push_back(w.tokens);
  return out;
}

}  // namespace minke
