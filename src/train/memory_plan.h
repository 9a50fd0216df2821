#pragma once
// What a run will take of memory, before it starts. A step and an evaluation are run dry (base/ledger.h): the figures are asked of the
// code that allocates.
#include <string>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "model/transformer.h"
#include "train/options.h"

namespace minke {

// Bytes of blocks when most are held. Not in it: the program and its libraries, the tokenizer, text packed in memory (2 or 4 bytes a
// token). Checkpoints are streamed in pieces of 64 Ki elements.
struct MemoryPlan {
  int64_t peak_bytes = 0;
  std::vector<std::pair<std::string, int64_t>> by_kind;  // adds up to it
};

// Every step's batch is like `batch`; held_out: the sets an evaluation scores, one after another.
MemoryPlan plan_memory(const ModelConfig& model, const RunConfig& config, const TrainBatch& batch,
                       const std::vector<std::vector<std::vector<int32_t>>>& held_out);
// From the config alone: a full batch, and evaluation windows of full length where the config holds something out.
MemoryPlan plan_memory(const ModelConfig& model, const RunConfig& config);

// The same table of what was counted; of a pass, saved_bytes are activations.
MemoryPlan memory_table(const MemoryUse& use, int64_t saved_bytes);

}  // namespace minke
