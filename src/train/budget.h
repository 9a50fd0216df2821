#pragma once
// How many tokens a run may take: stated, or from minutes and a speed measured on this machine. Decided before step 1 and stored in
// OUT/run.json, so that a resumed run keeps its schedule.
#include <optional>
#include <string>
#include <vector>

#include "train/step.h"

namespace minke {

struct Budget {
  int64_t tokens = 0;
  int64_t steps = 0;
  double measured_tok_s = 0;   // 0: not measured, the tokens were stated
  double minutes = 0;          // asked for; 0: tokens were stated
  int64_t finished_steps = 0;  // the finished model in the folder has taken this many; 0: it is not finished
};

// Tokens/s of real steps on this batch: the median of those of two seconds, or of a twentieth of a run of so many steps (0: not known yet)
// where that is less; at least two, after one that is not timed. The model must be filled; it is another one afterwards. The moments are 0
// again.
double measure_speed(TrainStep& step, const Transformer& model, const TrainBatch& batch, double run_steps);

// rows_per_step: a step's tokens, on average.
Budget decide_budget(const TrainOptions& o, double measured_tok_s, double rows_per_step);

// OUT/run.json: the budget and a fingerprint of what the run computes.
void store_budget(const std::string& path, const Budget& budget, const std::string& fingerprint);
// nullopt if there is none; Error if it belongs to another config.
std::optional<Budget> stored_budget(const std::string& path, const std::string& fingerprint);
// Hash of the model's and the training's settings, the budget left out.
std::string run_fingerprint(const std::string& model_json, const RunConfig& config);

}  // namespace minke
