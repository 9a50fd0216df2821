#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "kernels/gemm/gemm_ref.h"

namespace minke {
namespace {

TEST(Gemm, ScalarMatchesTheDefinition) {
  force_isa(Isa::kScalar);
  const int64_t m = 7, n = 33, k = 19;
  std::vector<float> a(size_t(m * k)), w(size_t(n * k)), c(size_t(m * n)), expected(size_t(m * n));
  for (size_t i = 0; i < a.size(); ++i) a[i] = float(int(i * 7 % 13) - 6);
  for (size_t i = 0; i < w.size(); ++i) w[i] = float(int(i * 5 % 11) - 5);
  std::vector<char> b(size_t(packed_b_bytes(DType::kF32, k, n)));
  pack_b(DType::kF32, k, n, w.data(), DType::kF32, 1, k, b.data());
  gemm({DType::kF32, n, k}, {m, a.data(), k, b.data(), c.data(), n});
  gemm_ref(m, n, k, a.data(), k, w.data(), 1, k, expected.data(), n, false);
  EXPECT_EQ(c, expected);
  std::vector<float> dw(size_t(n * k), 1.0f), dw_expected = dw;
  const WgradProblem problem{m, c.data(), n, a.data(), k, dw.data()};
  gemm_wgrad(DType::kF32, n, k, std::span(&problem, 1));
  gemm_wgrad_ref(m, n, k, c.data(), n, a.data(), k, dw_expected.data());
  EXPECT_EQ(dw, dw_expected);
}

}  // namespace
}  // namespace minke
