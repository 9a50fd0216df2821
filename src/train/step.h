#pragma once
// One optimizer step: losses and gradients of a batch, clipping, AdamW, the routers' biases. The loop around it is run.h.
#include <string>
#include <vector>

#include "model/transformer.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/schedule.h"

namespace minke {

// What a run has done so far; part of every checkpoint.
struct Progress {
  int64_t step = 0;            // optimizer steps taken, skipped ones included
  int64_t updates = 0;         // AdamW's t: steps not skipped
  int64_t tokens = 0;
  int64_t skipped = 0;         // in all
  int64_t skipped_in_a_row = 0;
};

struct StepReport {
  StepLosses losses;
  StepValues values;
  double grad_norm = 0;
  std::vector<double> max_vio;    // per MoE layer, MTP's last
  bool skipped = false;
  std::string why;                // of a skipped step: which loss or whose gradient is not finite
};

class TrainStep {
 public:
  // `o` must outlive this.
  TrainStep(Transformer& model, const TrainOptions& o, bool mask_segments);

  // The whole step's batch; micro_batch_sequences of full length go through the model at a time.
  StepReport run(const TrainBatch& batch, const StepValues& values, Progress& progress);

  Optimizer& optimizer() { return optimizer_; }
  const TrainOptions& options() const { return options_; }

 private:
  StepLosses gradients(const TrainBatch& batch, double mtp_lambda);
  void clear_frozen();  // so that the norm that clips is of what moves

  Transformer& model_;
  const TrainOptions& options_;
  bool mask_segments_;
  Optimizer optimizer_;
};

// Fresh weights: matrices and tables normal(0, initializer_range), norms 1, router biases 0 (report section 4.2). Each parameter draws
// from its own stream of the seed, so that adding one changes no other.
void initialise(Transformer& model, uint64_t seed);

}  // namespace minke
