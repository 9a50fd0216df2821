#pragma once
// Endless numbered sequences of L+1 tokens: sequence n is a pure function of (source, seed, n), so a position is one integer.
#include <cstdint>
#include <memory>
#include <vector>

#include "data/shard.h"
#include "reason/mix.h"

namespace minke {

// One row of a batch, L+1 long: inputs are tokens[0..L), targets of the main head tokens[1..L].
struct Row {
  int32_t* tokens;
  int32_t* segment_start;  // position in the row of the first token of this token's document; 0 where it began before the row
  uint8_t* kind;           // TextKind
};

class SequenceSource {
 public:
  virtual ~SequenceSource() = default;
  virtual void write(uint64_t number, const Row& row) = 0;  // one thread at a time
  virtual uint64_t fingerprint() const = 0;                 // equal: the same sequences
  virtual uint64_t per_epoch() const = 0;                   // sequences until the text repeats; 0: it never does
};

// Windows of shards read as one circular stream of BOS document EOS BOS document EOS ... An epoch cuts the stream at an offset of
// its own into floor(tokens / L) windows and takes them in an order of its own, both from (seed, epoch).
std::unique_ptr<SequenceSource> shard_sequences(std::vector<std::shared_ptr<const Shard>> shards, int64_t length, uint64_t seed);

// Windows of freshly generated training problems, in blocks of about 65,536 tokens.
std::unique_ptr<SequenceSource> problem_sequences(const MixWeights& weights, std::shared_ptr<const Tokenizer> tokenizer, int64_t length,
                                                  uint64_t seed);

}  // namespace minke
