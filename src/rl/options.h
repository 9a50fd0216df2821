#pragma once
// What a run of RL is asked to do: a config's [model], [[tasks]], [reward], [rl] and [run] (docs/rl.md explains every key).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rl/policy_step.h"
#include "rl/rollout.h"

namespace minke {

struct RlTask {
  std::string name;        // of a family or data set, or a .jsonl file of {"prompt", "answer"}
  int level = 0;           // 0: all evenly
  double weight = 1;       // its share of the problems
  std::string data;        // the data set's file
  bool skip_bad = false;   // malformed lines of a file are passed over
};

// Which level of which task comes next: all evenly, or the ones with a middling pass rate first (curriculum.h).
enum class CurriculumKind : uint8_t { kEven, kPassRate };

enum class RewardKind : uint8_t { kTask, kCommand, kRandom };

// A wrong answer, and none, cost more than `?`: else a policy learns to bluff and spoils votes. But where right answers are rare, `?`
// without a thought must not be the best policy (both measured: docs/rl.md), hence the limit.
struct RewardOptions {
  RewardKind kind = RewardKind::kTask;   // kRandom: a fair coin instead of a grader, the control that must not rise
  double right = 1, abstain = 0, wrong = -0.25;
  double wrong_limit = 0.5;              // a task's bad answers of a rollout cost together at most this share of what its right ones earn; 0: none
  double format = 0;                     // added for a well-formed completion that ended by itself
  std::string command;                   // kCommand: the user's grader (reason/grade/command.h); its 0..1 goes from wrong to right
  double command_timeout = 10;           // seconds for one answer
};

struct RlOptions {
  GrpoOptions grpo;
  RolloutLimits limits;
  double temperature = 1;
  double thinking_off = 0;               // share of the problems asked without thinking
  double paced = 0;                      // share of the thinking ones told a pace (reason/pace.h) and capped at its share of think_max
  std::string pace;                      // always this one; with paced = 1 evaluations are asked with it too
  CurriculumKind curriculum = CurriculumKind::kEven;
  double curriculum_floor = 0.1;         // kPassRate: a level is asked at least so often, beside one that teaches most
  uint64_t seed = 1;
  std::string precision = "auto";        // as the model is stored; or a recipe's name
  CacheForm cache = CacheForm::kExpanded;  // of rollouts and evaluations; latent: small, and the experts are replayed in the update
  int64_t cache_mib = 0;                 // most memory for a rollout's cache; 0: as much as is asked for
  double lr = 2e-4;
  int64_t warmup_steps = 5;              // lr rises linearly
  int64_t decay_steps = 0;               // then falls linearly to lr_final over so many steps; 0: stays
  double lr_final = 0;
  TrainOptions adamw;                    // beta1, beta2, eps, weight_decay, clip, moments, max_skipped
  double mtp_lambda = 0, gamma = 0;      // 0: MTP modules and the routers' biases are frozen
  int64_t rows_per_pass = 4096;
  int64_t steps = 0;                     // the budget: so many steps,
  double minutes = 0;                    // or so much time, whichever ends first; 0: not limited by it
  int64_t patience = 10;                 // steps in a row without any group of unequal rewards before the run stops
  double mastered = 0.99;                // and if so many answers were right by then, it has reached its end

  RlOptions();
  // What PolicyStep reads, with grpo.max_tokens set from the limits.
  PolicyStepOptions policy_step() const;
  double lr_at(int64_t step) const;      // of the step after `step` steps
};

struct RlRunOptions : RunFolderOptions {
  RlRunOptions() {
    out = "out/rl";
    eval_seconds = 60;
  }
  int64_t eval_problems = 128, eval_samples = 1;
  std::string eval_split = "calibration";
  double eval_temperature = 0.6, eval_top_p = 0.95;
  double show_seconds = 30;              // a decoded sample on the screen
};

struct RlConfig {
  std::string model, tokenizer;          // folders; the model's own tokenizer when empty
  std::vector<RlTask> tasks;
  RewardOptions reward;
  RlOptions rl;
  RlRunOptions run;

  // Refuses unknown keys, values out of range and settings that contradict each other.
  static RlConfig from_toml(std::string_view text, const std::string& path);
  // Also called by from_toml; `where` starts each message.
  void validate(const std::string& where) const;
  // Hash of everything that decides the run's bits.
  std::string fingerprint() const;
};

}  // namespace minke
