#pragma once
// What a rollout's samples are worth: the task's grader, a user's command, or a coin. Strict grading; a sample whose answer was cut off
// has none.
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "reason/grade/command.h"
#include "reason/judge.h"
#include "rl/options.h"

namespace minke {

// What a bad answer pays, above `?` = abstain: r.wrong, or less of a loss where `bad` of them would eat up more than r.wrong_limit of
// what `right` right ones earn above abstain. So the mean of a rollout stays above abstain as long as anything is right.
double price_of_wrong(const RewardOptions& r, int64_t right, int64_t bad);

struct JudgedSample {
  double reward = 0;        // without the overlong punishment
  Outcome outcome = Outcome::kNoAnswer;
  bool well_formed = false; // and ended by itself
  std::string answer, vote, text;
  bool right() const { return outcome == Outcome::kRight; }
};

class Rewarder {
 public:
  Rewarder(const RewardOptions& options, const Tokenizer& tokenizer, uint64_t seed);

  // problems[s.prompt] is sample s's; `first_problem` is the run's number of problems[0], `samples_each` how many samples a problem has:
  // the coin's counters. Ungradable samples come back with reward 0 and their outcome. Error: the user's grader failed.
  std::vector<JudgedSample> judge(std::span<const Problem> problems, std::span<const RolloutSample> samples, uint64_t first_problem,
                                  int64_t samples_each);

  // Before a run: of these problems the gold must be right (through the tokenizer and back), another problem's gold wrong somewhere and
  // never in the majority, `?` an abstention, nothing no answer. Error that shows the pair. Problems whose gold does not parse are counted
  // in the result.
  int64_t self_test(std::span<const Problem> problems);

 private:
  double share_right(const Problem& problem, JudgedSample& sample);
  Outcome outcome_of(const Problem& problem, const std::string& answer);

  const RewardOptions& options_;
  const Tokenizer& tokenizer_;
  uint64_t seed_;
  std::unique_ptr<CommandGrader> command_;
};

}  // namespace minke
