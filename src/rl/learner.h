#pragma once
// One step of reinforcement learning: problems -> rollout -> rewards -> advantages -> one update a minibatch. DeepSeek-R1 section
// 2.2.1. The loop around it, its checkpoints and its end are run.h.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "reason/problem_source.h"
#include "rl/curriculum.h"
#include "rl/options.h"
#include "rl/reference.h"
#include "rl/reward.h"

namespace minke {

// The problems of a run: number i is drawn from one of the tasks by their weights, then from that task's training split; a pure
// function of (seed, i), and of the curriculum's state where there is one.
class ProblemStream {
 public:
  // Error: a curriculum without anything to choose from.
  ProblemStream(const std::vector<RlTask>& tasks, const RlOptions& options);
  // `level`: of the curriculum, 0 without one.
  Problem at(uint64_t number, size_t* level = nullptr) const;
  Curriculum* curriculum() { return curriculum_ ? &*curriculum_ : nullptr; }
  // `n` problems of a held-out split, the tasks in turn by weight. Error names a split that is too small, unless `at_most`.
  std::vector<Problem> held_out(Split split, uint64_t seed, int64_t n, bool at_most = false) const;
  std::string summary() const;
  const std::vector<ProblemSource>& sources() const { return sources_; }

 private:
  std::vector<ProblemSource> sources_;
  std::vector<double> weights_;
  uint64_t seed_;
  std::optional<Curriculum> curriculum_;
  std::vector<ProblemSource> levels_;   // of the curriculum
};

// A group's samples with what they earned.
struct Group {
  Problem problem;
  uint64_t number = 0;                  // of the problem in the run
  size_t level = 0;                     // of the curriculum
  std::vector<RolloutSample> samples;
  std::vector<JudgedSample> judged;
  bool zero_variance = false, ungradable = false;
  double share_right() const;
};

struct RlStepReport {
  std::vector<Group> groups;            // all that were drawn
  PolicyMetrics policy;                 // over all updates
  // Of the first update, sampling against training: 0 where they agree to the bit (the expanded cache).
  double logp_diff_max = 0, logp_diff_mean = 0;
  std::optional<double> replay_diff_share;  // of the experts replayed, those that training would not have chosen; none: not replayed
  double loss = 0, grad_norm = 0;       // means over the updates
  double lr = 0;
  std::vector<double> mtp_loss;
  int64_t updates = 0, sampled_tokens = 0, trained_rows = 0, rounds = 0, kv_bytes = 0;
  double rollout_s = 0, reward_s = 0, reference_s = 0, train_s = 0;
  bool reference = false, reference_is_initial = false;  // what the KL term looked at: a copy of the policy, that of the run's beginning
  double choice_nll = 0;                // sum of -log p over the tokens that begin a line of thought, or end it instead
  int64_t choices = 0;
  std::vector<double> shares, pass_rates;  // of the curriculum's levels: this step's shares, the rates after it
  std::string skipped;                  // why the last skipped update was not finite
};

class Learner {
 public:
  // All outlive this.
  Learner(Transformer& model, const Tokenizer& tokenizer, const RlConfig& config);

  // Draws problems from progress' position on. False: `stop` ended it, and nothing has changed.
  bool step(Progress& progress, RlStepReport& report, const std::function<bool()>& stop);

  // Bytes of a rollout's cache in this form: of one sequence at its longest, and of all that may run at once. The prompts are the run's
  // first; samples that share a prompt's pages take less.
  struct CacheNeed {
    int64_t sequence = 0, rollout = 0;
  };
  CacheNeed cache_need(CacheForm form) const;

  // How the run's problem of this number is asked: with or without a thought, under which cap, told which pace.
  RolloutPrompt prompt_of(const Problem& problem, uint64_t number) const;

  uint64_t position = 0;                // the next problem's number; part of every checkpoint
  Optimizer& optimizer() { return step_.optimizer(); }
  Reference* reference() { return reference_.get(); }  // null without a KL term
  ProblemStream& problems() { return problems_; }
  Rewarder& rewarder() { return rewarder_; }

 private:
  void count_choices(const RolloutSample& sample, RlStepReport& report) const;
  bool draw_groups(RlStepReport& report, uint64_t& next, const std::function<bool()>& stop);

  Transformer& model_;
  const Tokenizer& tokenizer_;
  const RlConfig& config_;
  PolicyStepOptions options_;
  PolicyStep step_;
  Engine engine_;
  ProblemStream problems_;
  Rewarder rewarder_;
  std::unique_ptr<Reference> reference_;
  std::vector<uint8_t> ends_line_;      // [vocabulary] the token's last byte is a line end
};

}  // namespace minke
