#pragma once
// What a run is asked to do: the [data], [train] and [run] sections of a config (docs/train.md explains every key).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layers/recipe.h"
#include "numeric/dtype.h"
#include "reason/mix.h"

namespace minke {

class Fields;

struct DataOptions {
  std::string tokenizer = "tokenizer";       // folder or tokenizer.json
  std::vector<std::string> text;             // files or folders of text, or packed shards
  std::vector<std::string> held_out;         // text that is only evaluated
  double problem_weight = 0;                 // share of tokens that are generated problems; 0: none
  MixWeights problem_mix;                    // which problems, in which forms
  bool mask_segments = false;                // attention stays inside a document
  // Fine-tuning: conversations (data/sft_examples.h), of which answers alone are learnt. held_out is then such files too.
  std::vector<std::string> chat;
  double held_out_share = 0.02;              // of the conversations, where held_out names no file
  std::string long_examples = "error";       // more than sequence_length + 1 tokens: or "truncate", "drop"
};

struct TrainOptions {
  int64_t tokens = 0;                        // the budget; 0: from `minutes` and the measured speed
  double minutes = 0;
  double epochs = 0;                         // passes over [data] chat
  bool mtp_only = false;                     // `trainable`: "all", or "mtp": everything else stays bit for bit
  std::string model;                         // folder of the weights to start from; empty: fresh ones
  int64_t sequence_length = 256, batch_sequences = 16;
  int64_t micro_batch_sequences = 0;         // sequences per pass; 0: the whole batch
  std::string precision = "bf16";            // a recipe's name (layers/recipe.h)
  std::string moments = "bf16";              // AdamW's, or "f32"
  uint64_t seed = 1;
  // AdamW; the schedule's turning points are shares of the budget: linear warm-up, constant, cosine to lr_final, constant.
  double lr = 1e-3, lr_final = 1e-4, warmup = 0.02, decay_from = 0.5, decay_until = 1;
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.1, clip = 1.0;
  // Load balancing (report 2.1.2): gamma falls linearly to 0 between gamma_decay_from and gamma_until.
  double gamma = 0.001, gamma_decay_from = 0.9, gamma_until = 0.9;
  double balance_alpha = 0.0001;             // sequence-wise loss
  double mtp_lambda = 0.3, mtp_lambda_final = 0.1, mtp_switch = 0.7;
  int64_t max_skipped = 10;                  // steps in a row with a non-finite loss or gradient before the run stops

  const Recipe& recipe() const;
  DType compute() const { return recipe().compute; }
  DType moment_dtype() const;
};

// The keys of [run] that every kind of run has.
struct RunFolderOptions {
  std::string out = "out/run";
  int64_t checkpoint_every = 0;              // steps; 0: every checkpoint_minutes
  double checkpoint_minutes = 5;
  int64_t keep_checkpoints = 2;
  int64_t eval_every = 0;                    // steps; 0: every eval_seconds
  double eval_seconds = 30;
  double price_per_core_hour = 0.02;         // US dollars, for the bill
};
void read_run_folder(Fields& f, RunFolderOptions& r);  // keys not given stay

struct RunOptions : RunFolderOptions {
  int64_t eval_tokens = 16384;               // of each held-out kind, at an evaluation on the way
};

struct RunConfig {
  DataOptions data;
  TrainOptions train;
  RunOptions run;
  // Refuses unknown keys and values out of range; ignores [model], which ModelConfig reads. Keys not given keep their `defaults`.
  static RunConfig from_toml(std::string_view text, const std::string& path, const RunConfig& defaults);
  static RunConfig from_toml(std::string_view text, const std::string& path);
};

}  // namespace minke
