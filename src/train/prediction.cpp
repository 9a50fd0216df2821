#include "train/prediction.h"

namespace minke {

double predicted_seconds(const RunFolderOptions& run, int64_t from, int64_t to, const PartTimes& parts) {
  double now = from == 0 ? parts.evaluation : 0, evaluated = 0, saved = 0;
  for (int64_t step = from + 1; step <= to; ++step) {
    now += parts.step;
    if (step == to) break;
    if (run.eval_every > 0 ? step % run.eval_every == 0 : now - evaluated >= run.eval_seconds) evaluated = now += parts.evaluation;
    if (run.checkpoint_every > 0 ? step % run.checkpoint_every == 0 : now - saved >= run.checkpoint_minutes * 60) saved = now += parts.checkpoint;
  }
  return now;
}

}  // namespace minke
