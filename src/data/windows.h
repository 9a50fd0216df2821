#pragma once
// Text cut for bits per byte: each window is BOS and the next L-1 tokens of a document, so that every token of the text is
// predicted once, by at least nothing and at most L-2 tokens before it. BOS and EOS are not counted: neither is text.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/shard.h"
#include "reason/mix.h"

namespace minke {

struct EvalWindow {
  std::vector<int32_t> tokens;  // BOS, then 1 to L-1 tokens to predict
  int64_t bytes = 0;            // of UTF-8 text behind the tokens to predict
  TextKind kind = TextKind::kProse;
};

struct EvalSet {
  std::vector<EvalWindow> windows;
  int64_t tokens = 0, bytes = 0;  // sums over the windows, BOS apart
};

void add_windows(const Tokenizer& tokenizer, std::span<const int32_t> ids, int64_t length, TextKind kind, EvalSet& set);

// One text.
EvalSet text_windows(const Tokenizer& tokenizer, std::string_view text, int64_t length);

// Every document of files, folders and shards.
EvalSet file_windows(const Tokenizer& tokenizer, const std::vector<std::string>& paths, int64_t length);

// Held-out problems: documents of the mix from the calibration or test split, about `bytes` bytes.
EvalSet problem_windows(const Tokenizer& tokenizer, const MixWeights& weights, Split split, uint64_t seed, int64_t bytes, int64_t length);

// `n` windows evenly spread over the set, or all.
EvalSet spread(const EvalSet& set, int64_t n);

// The windows' tokens alone.
std::vector<std::vector<int32_t>> window_tokens(const EvalSet& set);

}  // namespace minke
