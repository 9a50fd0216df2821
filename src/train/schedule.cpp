#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace minke {

double learning_rate(const TrainOptions& o, double done) {
  // The first step already moves: warm-up counts from the end of the step.
  if (done < o.warmup) {
    const double step = double(o.sequence_length * o.batch_sequences) / double(std::max<int64_t>(o.tokens, 1));
    return o.lr * std::min(1.0, (done + step) / o.warmup);
  }
  if (done < o.decay_from) return o.lr;
  const double x = std::min(1.0, (done - o.decay_from) / std::max(o.decay_until - o.decay_from, 1e-12));
  return o.lr_final + 0.5 * (o.lr - o.lr_final) * (1 + std::cos(std::numbers::pi * x));
}

double balance_gamma(const TrainOptions& o, double done) {
  if (done >= o.gamma_until) return 0;
  if (done <= o.gamma_decay_from) return o.gamma;
  return o.gamma * (o.gamma_until - done) / (o.gamma_until - o.gamma_decay_from);
}

StepValues scheduled(const TrainOptions& o, double done) {
  return {learning_rate(o, done), balance_gamma(o, done), done < o.mtp_switch ? o.mtp_lambda : o.mtp_lambda_final};
}

}  // namespace minke
