// The arithmetic of a step of RL, from what the step says it drew and trained on.
#include <gtest/gtest.h>

#include "base/file.h"
#include "model/cost.h"
#include "rl/step_metrics.h"

namespace minke {
namespace {

RolloutSample sample(int64_t prompt, int64_t n) {
  RolloutSample s;
  s.policy.prompt = prompt;
  s.policy.ids.assign(size_t(n), 5);
  return s;
}

TEST(StepFlop, ForwardsOfRolloutReferenceAndUpdate) {
  const ModelConfig c = ModelConfig::load("configs/nano.toml");
  const auto forward = [&](int64_t n) { return double(n) * forward_flops_per_token(c, n, false); };
  RlStepReport r;
  EXPECT_EQ(step_flop(r, c, false), 0);
  Group g;
  g.samples = {sample(4, 10)};
  r.groups = {g};
  EXPECT_DOUBLE_EQ(step_flop(r, c, false), forward(10));
  r.reference = true;
  EXPECT_DOUBLE_EQ(step_flop(r, c, false), 2 * forward(10));
  r.trained_rows = 10;
  EXPECT_DOUBLE_EQ(step_flop(r, c, false), 5 * forward(10));
  EXPECT_GT(step_flop(r, c, true), 5 * forward(10));
  r.reference = false;
  r.trained_rows = 0;
  r.groups[0].samples.push_back(sample(4, 30));  // the prompt is read once
  EXPECT_DOUBLE_EQ(step_flop(r, c, false), forward(10) + forward(30) - forward(4));
}

}  // namespace
}  // namespace minke
