#pragma once
// One update of the policy: a minibatch of samples packed into passes, the GRPO loss of each token, gradients accumulated, one AdamW
// step. The old log-probabilities are the rollout's own: with the expanded cache the training forward gives the same bits
// (docs/invariance.md), so no pass over the old policy is made, and the first minibatch's ratios are exactly 1. With the latent cache both
// differ by roundings; lest those send a token to other experts, the update goes through the experts that the rollout chose.
#include <span>
#include <string>
#include <vector>

#include "model/transformer.h"
#include "rl/grpo.h"
#include "train/optimizer.h"
#include "train/step.h"

namespace minke {

// A sample as the update sees it.
struct PolicySample {
  std::vector<int32_t> ids;         // prompt, then completion
  int64_t prompt = 0;               // ids of the prompt, at least 1
  std::vector<float> old_logp;      // [completion] under the policy that drew it
  std::vector<float> ref_logp;      // [completion], or empty: no reference
  std::vector<uint8_t> forced;      // [completion] 1: not the policy's choice, so not in the loss
  std::vector<uint16_t> experts;    // [ids - 1][MoE layers][K] to replay in the update, or empty: the router chooses
  double advantage = 0;
  bool left_out = false;            // counted among the N samples, but without a loss (overlong filter)
  int64_t completion() const { return int64_t(ids.size()) - prompt; }
  int64_t counted() const;          // tokens in the loss
};

// Consecutive samples whose rows (tokens - 1) add up to at most `rows`; a longer sample goes alone. Returns where each pass ends.
std::vector<size_t> pack_passes(std::span<const PolicySample* const> samples, int64_t rows);

// log pi of every completion token of each sample under a model (training or not), at `temperature`.
std::vector<std::vector<float>> completion_logp(Transformer& model, std::span<const PolicySample* const> samples, double temperature,
                                                int64_t rows_per_pass);

struct PolicyStepOptions {
  GrpoOptions grpo;
  double temperature = 1;
  double mtp_lambda = 0;        // > 0 also trains the MTP modules, on the completions
  double gamma = 0;             // speed of the routers' biases; 0: they stay
  int64_t rows_per_pass = 4096;
  TrainOptions adamw;           // beta1, beta2, eps, weight_decay, clip, moments
  bool frozen(const ParameterSpec& spec) const { return spec.mtp && mtp_lambda == 0; }
};

struct UpdateReport {
  PolicyMetrics policy;
  std::vector<double> mtp_loss;    // of each depth: mean cross-entropy of the counted tokens
  double grad_norm = 0;
  double logp_diff_max = 0;        // |log pi - old log pi| over the tokens of the passes
  double logp_diff_sum = 0;        // the same, over logp_diffs tokens
  int64_t logp_diffs = 0;
  int64_t replayed = 0;            // experts that were replayed, and those of them that the router would not have chosen
  int64_t replay_differs = 0;
  int64_t trained_samples = 0, rows = 0;
  bool skipped = false;            // nothing was updated: no sample had a gradient, or `why`
  std::string why;                 // what was not finite
};

class PolicyStep {
 public:
  // `o` must outlive this.
  PolicyStep(Transformer& model, const PolicyStepOptions& o);

  // Gradients of the loss over `samples` (the N of its weights), into the model's, which are cleared first. Samples without an
  // advantage are not run where no KL term could move them.
  UpdateReport gradients(std::span<const PolicySample> samples);
  // The same and the update. progress.updates and its counts of skipped steps move.
  UpdateReport run(std::span<const PolicySample> samples, double lr, Progress& progress);

  Optimizer& optimizer() { return optimizer_; }

 private:
  Transformer& model_;
  const PolicyStepOptions& options_;
  Optimizer optimizer_;
};

}  // namespace minke
