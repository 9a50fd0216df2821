#include "train/schedule.h"

#include <gtest/gtest.h>

namespace minke {
namespace {

TrainOptions options() {
  TrainOptions o;
  o.tokens = 1'000'000;
  o.lr = 1e-3;
  o.lr_final = 1e-4;
  o.warmup = 0.1;
  o.decay_from = 0.2;
  return o;
}

TEST(Schedule, FallsToTheEndUnlessItIsToRestBefore) {
  const TrainOptions o = options();
  EXPECT_EQ(learning_rate(o, 0.2), 1e-3);
  EXPECT_NEAR(learning_rate(o, 0.6), 5.5e-4, 1e-15);  // half of a cosine's way
  EXPECT_NEAR(learning_rate(o, 1), 1e-4, 1e-15);
}

TEST(Schedule, RestsAtTheLastRateFromDecayUntil) {
  TrainOptions o = options();
  o.decay_until = 0.6;
  EXPECT_EQ(learning_rate(o, 0.19), 1e-3);
  EXPECT_NEAR(learning_rate(o, 0.4), 5.5e-4, 1e-15);
  EXPECT_GT(learning_rate(o, 0.59), 1e-4);
  for (const double done : {0.6, 0.8, 1.0}) EXPECT_NEAR(learning_rate(o, done), 1e-4, 1e-15) << done;
}

TEST(Schedule, TurnsAtOnceWhereBothPointsAreOne) {
  TrainOptions o = options();
  o.decay_until = o.decay_from;
  EXPECT_EQ(learning_rate(o, 0.19), 1e-3);
  EXPECT_NEAR(learning_rate(o, 0.21), 1e-4, 1e-15);
}

}  // namespace
}  // namespace minke
