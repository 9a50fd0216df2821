#pragma once
// Cuts text into the pieces that BPE works on: hand-written scanners, each the equal of a regular expression in
// tokenizer.json.
#include <string_view>

namespace minke {

enum class PreTokenizer {
  kDeepSeekV3,  // three Splits: \p{N}{1,3}; [U+4E00-9FA5 U+3040-30FF]+; words, punctuation, blanks
  kGpt2,        // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
};

// The first piece of `text`, never empty. REQUIRES: text is not empty; it begins where a piece begins (the start of the
// text, or the end of the piece before). Bytes that are not UTF-8 count as characters of no class.
std::string_view first_piece(PreTokenizer kind, std::string_view text);

}  // namespace minke
