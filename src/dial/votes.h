#pragma once
// Samples that vote, and when their majority is settled.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

// Votes as they come. An empty name abstains. The leader has most votes, of equal counts the name that came first.
class Votes {
 public:
  void add(std::string_view name);
  int64_t speaker() const { return leader_ < 0 ? -1 : names_[size_t(leader_)].first; }  // the leader's first voter; -1: all abstained
  int64_t leading() const { return leader_ < 0 ? 0 : names_[size_t(leader_)].count; }
  int64_t runner_up() const;                        // most votes of another name

 private:
  struct Candidate {
    std::string name;
    int64_t first, count;
  };
  std::vector<Candidate> names_;                    // in the order in which they came
  int64_t voters_ = 0, leader_ = -1;                // voters: those that abstained included
};

// Adaptive consistency (Aggarwal et al. 2023): the probability that the leader would also win among endless samples of it and the
// runner-up, from a uniform prior: P(p > 1/2) for p ~ Beta(leading + 1, runner_up + 1).
double stays_leader(int64_t leading, int64_t runner_up);
inline constexpr double kSettled = 0.95;

// How many more votes, all for the leader, it takes to settle the majority: 0: it is settled.
int64_t votes_to_settle(int64_t leading, int64_t runner_up);

}  // namespace minke
