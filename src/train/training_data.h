#pragma once
// What a run reads: batches whose position is part of a checkpoint, and the held-out windows of its evaluations.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/windows.h"
#include "train/options.h"

namespace minke {

// The held-out text of a config and calibration problems, about windows[0] and windows[1] of each, evenly spread; empty where
// nothing is held out. The same whatever the run's seed.
struct HeldOutSets {
  EvalSet prose, problems;
};
HeldOutSets held_out_sets(const Tokenizer& tokenizer, const DataOptions& data, int64_t length, std::array<int64_t, 2> windows);

class TrainingData {
 public:
  TrainingData(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens);

  int64_t vocab_size() const { return tokenizer_->vocab_size(); }
  const std::string& summary() const { return summary_; }

  Batch next() { return loader_->next(); }
  std::string state() const;               // one line of text, for the checkpoint
  void restore(const std::string& state);

  // About eval_tokens of each kind.
  const HeldOutSets& held_out() const { return held_out_; }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<Loader> loader_;
  HeldOutSets held_out_;
  std::string summary_;
};

// Where documents begin inside each row of a batch, for attention masked by segment; [B], the row's own beginning left out.
std::vector<std::vector<int64_t>> segment_starts(const Batch& batch);

// Writes the next `steps` batches as `tokens` I32 [steps, B, L+1] to PATH.safetensors and each step's settings to PATH.json, as
// tools/oracle/train_curve.py reads them. The data's position stays.
void dump_batches(const std::string& path, TrainingData& data, const TrainOptions& options, int64_t budget_tokens, int64_t steps);

}  // namespace minke
