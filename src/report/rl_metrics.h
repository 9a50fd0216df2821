#pragma once
// RUN/metrics.jsonl of a run of RL (docs/rl.md) as columns: a row a step, and apart from them the looks at held-out problems. What a run
// does not log (no reference, no thoughts) is NaN.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

struct LevelScore {
  std::string name;             // TASK or TASK/LEVEL
  double pass1, low, high;      // share of the problems; the interval's ends may be NaN
};

struct RlMetrics {
  std::vector<double> step;                                        // [rows], rising
  std::vector<double> reward, right, abstained;                    // mean; shares of the samples
  std::vector<double> tokens_right, tokens_wrong;                  // of a completion, mean; NaN where there was none
  std::vector<double> entropy, choice_entropy, kl;                 // nats a token
  std::vector<double> all_right, none_better;                      // shares of groups without variance: all right, or not
  std::vector<double> attempts, retries, self_checks, waits;       // a thought, mean

  std::vector<double> look_step, pass1, low, high;                 // [looks]: at held-out problems, with a 95% interval
  std::vector<std::vector<LevelScore>> look_levels;                // [looks][levels], empty where a look does not tell them apart
  int64_t held_out = 0;                                            // problems a look asks
  int64_t steps = 0, tokens = 0, skipped = 0;                      // at the end; tokens were sampled
  double seconds = NAN, threads = NAN;                             // of the run so far; that computed. NaN: not said
  size_t rows() const { return step.size(); }
  size_t looks() const { return look_step.size(); }
};

// Errors and unfinished lines: metrics_lines.h. A step that appears again replaces what was there from it on; a line without rewards is
// a look alone, before the first step or after the last.
RlMetrics parse_rl_metrics(std::string_view text, const std::string& path);

}  // namespace minke
