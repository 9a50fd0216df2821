#pragma once
// From recorded samples on calibration problems to the table that `auto` reads (auto_table.h).
//
//   1. How right an arm's samples are by confidence: quantile bins, made rising (pool adjacent violators), and how often wrong answers coincide.
//   2. Paths: every rising choice of arms, the last one repeated up to 8 samples in all: so a price can begin with any arm and leave out any.
//   3. For each path and price the gates that maximise right - price x tokens on the problems: from the last step backwards, each
//      gate the interval of beliefs where going on has gained, given the gates before and after it; some sweeps.
//   4. For each price the path whose gates, fitted to four fifths of the problems, did best on the other fifth; then its gates from all.
// Every fixed number of samples at one effort is a path, so a price's policy is not below the fixed settings but by chance.
#include <span>

#include "dial/profile.h"
#include "dial/record.h"

namespace minke {

struct Calibration {
  AutoTable table;
  double confident = 0;  // EffortProfile's; 0: no confidence is enough
  double quorum = 0;     // EffortProfile's
};

// Problems with all of dial_arms(profile), 8 samples each; at least kLeastProblems. The table's own price: the highest at which accuracy is, on
// problems not fitted to, at most half a point below the best of all prices. Deterministic.
inline constexpr size_t kLeastProblems = 50;
Calibration calibrate(std::span<const RecordedProblem> problems, const EffortProfile& profile);

}  // namespace minke
