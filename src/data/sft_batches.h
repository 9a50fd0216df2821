#pragma once
// Examples in batches, epoch after epoch, without padding: a batch is whole examples, each a sequence of its own, about
// tokens_per_batch rows in all. An epoch takes the examples in an order of its own, from (seed, epoch), and cuts them into
// per_epoch() batches of nearly equal size; batch n is a pure function of the examples, the seed and n, so a position is one integer.
#include <cstdint>
#include <string>
#include <vector>

#include "data/sft_examples.h"

namespace minke {

struct SftBatch {
  std::vector<int32_t> tokens;
  std::vector<int64_t> lengths;  // [sequences] rows: a sequence has one token more
  std::vector<float> weights;    // [tokens] 1: learnt, 0: prompt
  int64_t targets = 0;           // sum of the weights
};

class SftBatches {
 public:
  // No example may have more than tokens_per_batch rows; at least one example.
  SftBatches(SftExamples examples, int64_t tokens_per_batch, uint64_t seed);

  SftBatch next();
  uint64_t position() const { return position_; }  // batches taken
  void seek(uint64_t position) { position_ = position; }

  int64_t per_epoch() const { return per_epoch_; }
  double rows_per_batch() const { return double(examples_.rows()) / double(per_epoch_); }  // the mean over an epoch
  uint64_t fingerprint() const;  // equal: the same batches
  const SftExamples& examples() const { return examples_; }

 private:
  void enter_epoch(uint64_t epoch);

  SftExamples examples_;
  uint64_t seed_, position_ = 0, epoch_ = UINT64_MAX;
  int64_t per_epoch_;
  std::vector<uint32_t> order_;  // of the examples in this epoch
  std::vector<size_t> cut_;      // [per_epoch + 1] into order_
};

// All examples in their order, about tokens_per_batch rows at a time: what an evaluation walks.
std::vector<SftBatch> sft_batches_in_order(const SftExamples& examples, int64_t tokens_per_batch);

}  // namespace minke
