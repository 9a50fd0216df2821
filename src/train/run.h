#pragma once
// A training run from a config to a model folder: data, budget, steps, evaluations, checkpoints, the bill.
#include <cstdint>
#include <optional>
#include <string>

#include "model/config.h"
#include "train/options.h"

namespace minke {

struct RunRequest {
  std::string config_path;
  ModelConfig model;
  RunConfig config;
  std::string init;                 // model folder to start from instead of fresh weights; empty: fresh
  bool fresh = false;               // forget a run that is in `out`
  std::optional<int64_t> steps;     // stop after this many steps; 0: only write the initial model
  std::string dump_batches;         // safetensors file for the batches of the run's steps (tools/oracle); empty: none
  bool json = false;                // the summary as one JSON object
};

// The exit code: 0 finished (or was finished already), 130 interrupted after saving.
int run_training(const RunRequest& request);

}  // namespace minke
