#include "train/prediction.h"

#include <gtest/gtest.h>

namespace minke {
namespace {

TEST(Prediction, CountsStepsEvaluationsAndCheckpointsAsTheLoopDoes) {
  RunFolderOptions r;
  r.eval_every = 10;
  r.checkpoint_every = 5;
  const PartTimes parts{1, 100, 10000};
  // Evaluations before, after 10 and 20 (not the last step, whose evaluation is outside of a run's seconds); checkpoints after 5, 10, ... 25.
  EXPECT_DOUBLE_EQ(predicted_seconds(r, 0, 30, parts), 30 + 3 * 100 + 5 * 10000);
  // Resumed at 12: no evaluation before; those after 20, checkpoints after 15, 20, 25.
  EXPECT_DOUBLE_EQ(predicted_seconds(r, 12, 30, parts), 18 + 100 + 3 * 10000);
  EXPECT_DOUBLE_EQ(predicted_seconds(r, 30, 30, parts), 0);
}

TEST(Prediction, ByTimeTheClockRunsOverEvaluationsToo) {
  RunFolderOptions r;
  r.eval_seconds = 10;
  r.checkpoint_minutes = 1e6;
  // The evaluation at step 0 takes 4 of the first 10 seconds: due after steps 6 (ends at 14), 16 (28), 26 (42), and not after the last.
  EXPECT_DOUBLE_EQ(predicted_seconds(r, 0, 30, {1, 4, 0}), 30 + 4 + 3 * 4);
  EXPECT_DOUBLE_EQ(predicted_seconds(r, 0, 26, {1, 4, 0}), 26 + 4 + 2 * 4);
}

TEST(Prediction, OffByIsAShareOfWhatItWas) {
  EXPECT_NEAR(off_by(110, 100), 0.1, 1e-12);
  EXPECT_NEAR(off_by(80, 100), -0.2, 1e-12);
}

}  // namespace
}  // namespace minke
