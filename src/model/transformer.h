#pragma once
// The whole model: one forward pass for training, evaluation and generation. DeepSeek-V3 report, sections 2.1 and 2.2.
//   h = Emb[t]      h = Block_l(h)      x = norm(h; model.norm)      logits = x lm_head'
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "layers/loss.h"
#include "model/mtp.h"
#include "model/weights.h"

namespace minke {

// Values of a pass. Their memory belongs to the arena that the pass was given.
struct ForwardSaved {
  View h;                 // [T, D] f32 after the last block
  View x;                 // [T, D] after model.norm
  float* rstd = nullptr;
  std::vector<BlockSaved> blocks;
};

struct LossOptions {
  float mtp_lambda = 0;              // report eq. 25: weight of the mean of the MTP losses
  float balance_alpha = 0;           // report eq. 17
  bool mask_segments = false;        // attention stays inside a document
  float temperature = 1;             // log-probabilities are of logits / temperature
};

// Sequences of one training pass, one after another. Sequence i has lengths[i] rows and lengths[i] + 1 tokens: a row reads its token
// and predicts the next.
struct TrainBatch {
  std::span<const int32_t> tokens;                        // [sum of lengths[i] + 1]
  std::vector<int64_t> lengths;
  std::span<const float> weights;                         // [tokens]: what each counts as a target (SFT: answers only); empty: 1
  std::span<const std::vector<int64_t>> segment_starts;   // [sequences]: where documents begin inside each; empty: nowhere
  std::span<const uint16_t> experts = {};                 // [rows][MoE layers][K] to replay in the main model; empty: the router's own
  int64_t rows() const { return int64_t(tokens.size()) - int64_t(lengths.size()); }
};

// Another loss of the main head than cross-entropy, for a chunk of rows at a time: from the log-probability of each target to the
// derivative of the step's loss with respect to it. targets[i] is the target's place in TrainBatch::tokens.
using TokenLoss = std::function<void(int64_t n, const int64_t* targets, const float* logp, float* dlogp)>;

// Losses are weighted means over the step's target tokens, in nats.
struct StepLosses {
  double main = 0;
  std::vector<double> mtp;
  double balance = 0;
  int64_t replay_differs = 0;        // replayed experts that the router would not have chosen
};

class Transformer {
 public:
  Transformer(const ModelConfig& config, const Recipe& recipe, WeightUse use);
  Transformer(const ModelConfig& config, DType compute, WeightUse use) : Transformer(config, recipe_of(compute), use) {}
  Transformer(const Transformer&) = delete;
  Transformer& operator=(const Transformer&) = delete;

  const ModelConfig& config() const { return config_; }
  DType compute() const { return weights_.compute(); }
  const Recipe& recipe() const { return weights_.recipe(); }
  Weights& weights() { return weights_; }
  const Weights& weights() const { return weights_; }
  const Linear& head() const { return head_; }
  int64_t mtp_depth() const { return int64_t(mtp_.size()); }
  int64_t layers() const { return int64_t(blocks_.size()); }
  const Block& block(int64_t layer) const { return blocks_[size_t(layer)]; }
  // MoE layers in order, MTP modules' last: names of their router biases, and their experts' loads in the last training pass.
  const std::vector<std::string>& router_biases() const { return router_biases_; }
  const std::vector<std::vector<int64_t>>& expert_loads() const { return expert_loads_; }
  void clear_expert_loads();
  int64_t choices_per_row() const { return moe_layers_ * config_.num_experts_per_tok; }  // of the main model

  // Passes over positions below n may then run side by side, each on one thread.
  void reserve(int64_t n) { rope_.reserve(n); }
  // ids [rows]. caches [layers()] or empty. experts [rows][MoE layers][K], as Generation records them, are taken instead of the router's
  // choice (layers/moe.h: ExpertReplay); empty: the router's own.
  void forward(const Rows& rows, const int32_t* ids, ForwardSaved& s, Arena& arena, const std::vector<CacheView>& caches, bool keep_residual,
               std::span<const uint16_t> experts = {});
  // logits [rows, V] f32 of x rows [rows, D].
  void logits(View x, View out) const { linear_forward(head_, x, out); }

  // Forward, losses and backward; adds to the gradients. A step of several micro-batches calls this for each; weight_of_step (the sum
  // of all targets' weights) and sequences_of_step are the whole step's, so that the parts add up. With a token_loss the main head's
  // gradient is its dlogp, undivided, and the reported main loss is still the weighted cross-entropy.
  StepLosses train(const TrainBatch& batch, const LossOptions& options, double weight_of_step, int64_t sequences_of_step,
                   const TokenLoss& token_loss = {});

  // MTP logits for one sequence: out[k - 1] is [n - k, V] f32 for k = 1 .. mtp_depth(). Takes the memory from the arena.
  std::vector<View> mtp_logits(const std::vector<int32_t>& ids, const ForwardSaved& s, const Rows& rows, Arena& arena);

 private:
  friend class TrainPass;
  Block build_block(int64_t layer);

  ModelConfig config_;
  Weights weights_;
  Rope rope_;
  const void* table_ = nullptr;
  float* d_table_ = nullptr;
  std::vector<Block> blocks_;
  int64_t moe_layers_ = 0;           // of blocks_
  Norm norm_;
  Linear head_;
  std::vector<MtpModule> mtp_;
  std::vector<std::string> router_biases_;
  std::vector<std::vector<int64_t>> expert_loads_;
  Arena arena_;
};

}  // namespace minke
