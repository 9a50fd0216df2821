#pragma once
// Files of conversations as training examples. JSON lines (.jsonl, also .gz, .zst), each
//   {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "<think>...</think>..."}, ...]}   or
//   {"prompt": "...", "completion": "<think>...</think>..."}
// Other keys of a line are ignored. Every assistant turn is an example of its own, rendered by chat.h as the model will meet it:
// earlier turns without their thought, and only its own completion learnt.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace minke {

enum class LongExamples : uint8_t { kError, kTruncate, kDrop };

// Examples one after another. Immutable once read.
struct SftExamples {
  std::vector<int32_t> tokens;
  std::vector<uint64_t> first = {0};  // [n + 1] into tokens
  std::vector<uint32_t> prompt;       // [n] tokens of the prompt; those after it are learnt
  int64_t truncated = 0, dropped = 0;

  size_t size() const { return prompt.size(); }
  std::span<const int32_t> ids(size_t i) const { return std::span(tokens).subspan(first[i], first[i + 1] - first[i]); }
  int64_t length(size_t i) const { return int64_t(first[i + 1] - first[i]); }
  int64_t rows() const { return int64_t(tokens.size() - size()); }  // of a forward pass: every token but an example's last
  int64_t targets() const;                                          // learnt tokens
  void add(std::span<const int32_t> ids, size_t prompt_tokens);
};

struct SftFiles {
  std::vector<std::string> train;
  std::vector<std::string> held_out;  // files that are only evaluated
  double held_out_share = 0;          // without such files: about this share of the conversations, by a hash of their first question, so
                                      // that answers to one question are never on both sides
  int64_t longest = 0;                // rows: an example may have longest + 1 tokens
  LongExamples long_examples = LongExamples::kError;
};

struct SftSets {
  SftExamples train, held_out;
};

// Error that lists every line that is no example, file by file; that counts the examples too long (kTruncate cuts them at the end and
// drops those whose prompt alone is too long); that names files without an example.
SftSets read_sft(const SftFiles& files, const Tokenizer& tokenizer);

}  // namespace minke
