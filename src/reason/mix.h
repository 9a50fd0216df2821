#pragma once
// The problem part of the pretraining mix (shares in docs/data.md): facts of arithmetic in many surface forms, noisy searches and
// chains, programs with their execution, and instructions answered at once. Drawn from one split; pretraining takes train.
#include <cstdint>
#include <string>
#include <vector>

#include "reason/tasks/task.h"

namespace minke {

enum class MixForm { kFacts, kChains, kPrograms, kInstructions };
inline constexpr int kMixForms = 4;
const char* mix_form_name(MixForm form);  // "facts", "chains", "programs", "instructions"

// A family among the chains. With levels stated they come evenly, else low ones more often.
struct ChainWeight {
  std::string family;
  double weight = 1;
  int low = 0, high = 0;
};
// "countdown-a3 0.4", "expressions-b3 2 2-5": family, weight, levels. UsageError says what is wrong.
ChainWeight parse_chain_weight(std::string_view text);

// Shares of the pieces that a small tokenizer makes of the text; any scale. These stand beside 40 of text (docs/data.md).
struct MixWeights {
  double share[kMixForms] = {20, 20, 10, 10};
  std::vector<ChainWeight> chains = {};  // of the chains, and of the instructions beside them; empty: the lists of mix.cpp, all but words
};

struct MixDocument {
  MixForm form;
  std::string text;               // UTF-8; kInstructions holds the chat's special tokens by name
  std::vector<std::string> keys;  // of every whole problem with its answer inside
};

// The families that these weights draw from, in order of their names: only a change of theirs can change the documents.
std::vector<std::string> drawn_families(const MixWeights& weights);

// About the tokens of a text for a tokenizer without merges of digits: a word, a digit, a line end, a blank before a digit and a
// run of signs count one each. Bytes would favour programs, which are nearly all digits.
int64_t count_pieces(std::string_view text);

// Block `block` of an endless series: documents of at least `bytes` bytes in all, the forms taking turns so that their pieces keep
// the weights. A pure function of its arguments.
std::vector<MixDocument> mix_block(const MixWeights& weights, Split split, uint64_t seed, uint64_t block, int64_t bytes);

// One problem as a chat turn answered without thinking: BOS and EOS are the loader's.
std::string instruction_text(const Problem& problem);

// Lines of arithmetic facts; appends the keys of the whole problems among them.
std::string fact_lines(Rng& rng, int lines, const KeyFilter& keep, std::vector<std::string>& keys);

}  // namespace minke
