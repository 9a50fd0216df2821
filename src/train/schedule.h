#pragma once
// What changes with progress, as pure functions of the tokens seen and the budget.
#include "train/options.h"

namespace minke {

// What one step is told. `done` below is the tokens before the step over the budget, in [0, 1].
struct StepValues {
  double lr = 0;           // linear warm-up, constant, cosine, constant (report section 4.2)
  double gamma = 0;        // bias update speed
  double mtp_lambda = 0;   // report section 4.2: 0.3, then 0.1
};
StepValues scheduled(const TrainOptions& o, double done);

double learning_rate(const TrainOptions& o, double done);
double balance_gamma(const TrainOptions& o, double done);

}  // namespace minke
