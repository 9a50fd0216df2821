#pragma once
// A run of RL from a config to a model folder: self-test of the grader, steps, evaluations on held-out problems, checkpoints, the end.
#include <functional>
#include <optional>
#include <string>

#include "eval/summary.h"
#include "plan/bill.h"
#include "rl/options.h"

namespace minke {

struct RlExample {
  std::string prompt, text, gold;     // text: of the completion
};

// One look at held-out problems.
struct RlEvaluation {
  int64_t step = 0;
  double seconds = 0;                 // of the run, evaluations included
  double seconds_left = 0;            // to the budget's end, by the steps so far
  int64_t tokens = 0;                 // sampled so far
  TaskSummary summary;
  std::vector<SampleRow> rows;
  std::optional<RlExample> solved, unsolved;  // the first of each
};

struct RlRequest {
  std::string config_path;            // in messages
  RlConfig config;
  bool fresh = false;                 // forget a run that is in `out`
  std::optional<int64_t> steps;       // stop after this many steps instead of the config's
  bool held_out_at_most = false;      // where a split holds fewer than eval_problems, all of them
  bool json = false;                  // the summary as one JSON object, messages to stderr
  bool quiet_end = false;             // the caller tells the end itself
  std::function<void(const RlEvaluation&)> on_evaluation;  // may be empty: then the run prints a line itself
};

enum class RlEnd : uint8_t { kBudget, kMastered, kInterrupted, kWasFinished };

struct RlResult {
  RlEnd end = RlEnd::kBudget;
  int64_t steps = 0, tokens = 0;
  double seconds = 0;
  Bill bill;                          // tokens: sampled; FLOPs: of rollouts, reference and updates, evaluations left out
  std::optional<TaskSummary> before, after;  // `before` of a resumed run: pass1, ci95, n and mean_tokens alone
};

// Error: the grader fails its self-test; no group had unequal rewards for `patience` steps (the run is saved first); updates that are
// not finite `max_skipped` times in a row.
RlResult run_rl(const RlRequest& request);

}  // namespace minke
