#include "kernels/peak/peak.h"

#include <gtest/gtest.h>


namespace minke {
namespace {

TEST(Peak, EveryVariantOfThisMachineHasOne) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (!isa_supported(Isa(i))) continue;
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      const double gflops = peak_gflops(dtype, Isa(i), 1, 1);
      EXPECT_GT(gflops, 0.5) << isa_name(Isa(i));
      EXPECT_LT(gflops, 2e4) << isa_name(Isa(i));
    }
  }
}

TEST(Peak, ReadsAreWithinWhatMemoryCanDo) {
  const double gb_s = read_gb_s(1);
  EXPECT_GT(gb_s, 0.2);
  EXPECT_LT(gb_s, 2000);
}

}  // namespace
}  // namespace minke
