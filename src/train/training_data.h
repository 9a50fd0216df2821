#pragma once
// What a run reads: batches whose position is part of a checkpoint, and the held-out sets of its evaluations.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "data/sft_examples.h"
#include "data/windows.h"
#include "model/transformer.h"
#include "train/options.h"

namespace minke {

// One step's sequences (TrainBatch) with the memory behind them.
struct StepBatch {
  std::vector<int32_t> tokens;
  std::vector<int64_t> lengths;
  std::vector<float> weights;                        // empty: every target counts 1
  std::vector<std::vector<int64_t>> segment_starts;  // empty: a sequence is one segment
  int64_t answer_tokens = 0;                         // fine-tuning: targets that count

  TrainBatch view() const { return {tokens, lengths, weights, segment_starts}; }
};

// Endless batches; the position is one line of text. Implemented for text and problems (loader.h) and for conversations (sft_batches.h).
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  virtual StepBatch next() = 0;
  virtual std::string state() const = 0;
  virtual void restore(const std::string& state) = 0;
  virtual double rows_per_step() const = 0;       // the mean
  virtual double rows_per_epoch() const = 0;      // 0: nothing that a budget could count
  virtual double rows_per_sequence() const = 0;   // the mean
};

// The held-out text of a config and calibration problems, about windows[0] and windows[1] of each, evenly spread; empty where
// nothing is held out. The same whatever the run's seed.
struct HeldOutSets {
  EvalSet prose, problems;
  SftExamples answers;
};
HeldOutSets held_out_sets(const Tokenizer& tokenizer, const DataOptions& data, int64_t length, std::array<int64_t, 2> windows);

class TrainingData {
 public:
  TrainingData(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens);

  int64_t vocab_size() const { return tokenizer_->vocab_size(); }
  const std::string& summary() const { return summary_; }
  BatchStream& batches() { return *batches_; }
  const BatchStream& batches() const { return *batches_; }

  // About eval_tokens of each kind.
  const HeldOutSets& held_out() const { return held_out_; }

 private:
  void open_text(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens);
  void open_chat(const DataOptions& data, const TrainOptions& train, int64_t eval_tokens);

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<BatchStream> batches_;
  HeldOutSets held_out_;
  std::string summary_;
};

// Writes the next `steps` batches as `tokens` I32 [steps, B, L+1] to PATH.safetensors and each step's settings to PATH.json, as
// tools/oracle/train_curve.py reads them. The data's position stays.
void dump_batches(const std::string& path, TrainingData& data, const TrainOptions& options, int64_t budget_tokens, int64_t steps);

}  // namespace minke
