#pragma once
// What a run will take, said before its first step: time, from steps of the real shape timed on this machine, and memory (memory_plan.h).
#include <cstdint>

#include "train/options.h"

namespace minke {

// Seconds that one of each takes.
struct PartTimes {
  double step = 0, evaluation = 0, checkpoint = 0;
};

// Seconds from the first of steps from + 1 ... to until the last one's end, as the loop of a run spends them: with the evaluations and
// checkpoints that its options ask for on the way, at step 0 with the evaluation before.
double predicted_seconds(const RunFolderOptions& run, int64_t from, int64_t to, const PartTimes& parts);

struct Prediction {
  double seconds = 0;          // of the whole run by its own clock, those of earlier sessions included
  int64_t peak_bytes = 0;      // as process_memory() counts
};

// How far off a prediction was, as a share of what it turned out to be: 0.1 where it said a tenth too much.
inline double off_by(double predicted, double actual) { return actual > 0 ? predicted / actual - 1 : 0; }

}  // namespace minke
