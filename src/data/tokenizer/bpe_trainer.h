#pragma once
// Finds a byte-level BPE vocabulary: count adjacent pairs inside pieces, merge the most frequent one, repeat. Ties go
// to the lexicographically greater pair of byte strings, so the result is a function of the text alone.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/tokenizer_spec.h"

namespace minke {

struct TokenizerTraining {
  int32_t vocab_size = 4096;  // of the result, everything counted
  PreTokenizer pre_tokenizer = PreTokenizer::kDeepSeekV3;
  bool digit_merges = true;  // false: no token holds two number characters (\p{N})
  // Ids: `front`, the 256 bytes in the order of their characters, merges, `back`. Their ids are set here.
  std::vector<AddedToken> front, back;
  std::string bos, eos, pad;  // texts among the added tokens; empty: none
};

// DeepSeek-V3's layout: BOS, EOS and pad in front; <｜User｜>, <｜Assistant｜>, <think>, </think> and 16 placeholders
// behind.
TokenizerTraining deepseek_v3_training();

// Added tokens in the texts are cut out and do not count. Error if the texts do not give enough pairs for `vocab_size`.
TokenizerSpec train_tokenizer(const std::vector<std::string_view>& texts, const TokenizerTraining& options);

}  // namespace minke
