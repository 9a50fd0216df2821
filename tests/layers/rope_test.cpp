#include "layers/rope.h"

#include <gtest/gtest.h>

#include <cmath>

namespace minke {
namespace {

RopeSpec v3() {
  RopeSpec spec;
  spec.dim = 64;
  spec.yarn = Yarn{40, 4096, 32, 1, 1.0, 1.0};
  return spec;
}

// Values worked out from the report's formulas for the released DeepSeek-V3.
TEST(Rope, YarnFrequenciesOfV3) {
  const auto f = rope_frequencies(v3());
  const std::pair<size_t, double> expected[] = {{0, 1.0}, {10, 0.0562341325}, {11, 0.0390069266}, {16, 0.0055}, {20, 7.90569e-4},
                                                {22, 1.77828e-4}, {23, 3.33380e-5}, {31, 3.33380e-6}};
  for (auto [i, value] : expected) EXPECT_NEAR(f[i] / value, 1.0, 2e-6) << i;
}

TEST(Rope, SoftmaxScales) {
  EXPECT_NEAR(softmax_scale(v3(), 192), 0.1352338, 1e-7);
  RopeSpec v2 = v3();
  v2.yarn->mscale = v2.yarn->mscale_all_dim = 0.707;
  EXPECT_NEAR(softmax_scale(v2, 192), 0.1147214, 1e-7);
  RopeSpec plain;
  plain.dim = 64;
  EXPECT_NEAR(softmax_scale(plain, 192), 0.0721688, 1e-7);
}

}  // namespace
}  // namespace minke
