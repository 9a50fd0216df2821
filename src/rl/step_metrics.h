#pragma once
// What one step says about itself, under the names of docs/rl.md: the numbers of metrics.jsonl and the line on the screen.
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "reason/behaviour.h"
#include "rl/learner.h"

namespace minke {

struct RewardSummary {
  int64_t samples = 0, right = 0, abstained = 0, no_answer = 0, truncated = 0, cut = 0, well_formed = 0;
  double mean = 0, std = 0;
  int64_t groups = 0, zero_right = 0, zero_wrong = 0, ungradable = 0;  // groups without variance: all right, or not
  double unique_answers = 0;                                           // distinct votes of a group, mean
  double len = 0, len_right = 0, len_wrong = 0, think = 0, answer = 0; // mean tokens; of a completion, of the two parts
  int64_t len_max = 0;
  int64_t thoughts = 0;                                                // samples that were asked to think
  Behaviour behaviour;                                                 // sums over them
  std::map<std::string, std::pair<int64_t, int64_t>> by_task;          // "family" or "family/level": {right, samples}
  double accuracy() const { return samples ? double(right) / double(samples) : 0; }
  bool no_variance() const { return zero_right + zero_wrong + ungradable == groups; }
};
RewardSummary summarise(const std::vector<Group>& groups);

// The line of a step without its number: "reward/mean" and so on. `model` for the experts' loads of the last update.
// `curriculum` may be null.
nlohmann::ordered_json step_metrics(const RlStepReport& report, const RewardSummary& rewards, const Transformer& model, const Curriculum* curriculum);

// FLOPs of a step: prompts read once a problem and every token drawn by a forward, a forward of each sample under the reference, and
// three forwards (MTP's too, where it is trained) of each row of the updates.
double step_flop(const RlStepReport& report, const ModelConfig& config, bool trains_mtp);

// Prompt, completion, reward and how it ended, for the screen: the first sample that is right, or the first of all.
std::string shown_sample(const std::vector<Group>& groups);

}  // namespace minke
