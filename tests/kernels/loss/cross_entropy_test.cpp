#include "kernels/loss/cross_entropy.h"

#include <limits>

#include "kernels/loss/cross_entropy_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

const std::vector<std::pair<int64_t, int64_t>> kShapes = {{0, 5}, {1, 1}, {3, 17}, {9, 1024}, {4, 1025}, {3, 4096}, {2, 2999}};

TEST(CrossEntropy, IsTheReferenceEverywhere) {
  for (auto [rows, n] : kShapes)
    for (DType d_dtype : kDTypes) {
      Values logits = Values::random(DType::kF32, rows * n, 1, 5), scale = Values::random(DType::kF32, rows, 2);
      std::vector<int32_t> targets;
      Rng rng(3);
      for (int64_t row = 0; row < rows; ++row) targets.push_back(row % 4 == 2 ? -1 : int32_t(rng.below(n)));
      if (rows > 3) scale.f32()[3] = 0;
      const Outputs out = same_everywhere([&] {
        Values nll(DType::kF32, rows, 9), d(d_dtype, rows * n, 9), nll_alone = nll;
        cross_entropy_rows(rows, n, logits.f32(), targets.data(), scale.f32(), nll.f32(), d_dtype, d.data());
        cross_entropy_rows(rows, n, logits.f32(), targets.data(), scale.f32(), nll_alone.f32(), d_dtype, nullptr);
        EXPECT_TRUE(nll == nll_alone);
        for (int64_t row = 0; row < rows; ++row)
          if (targets[row] >= 0) {
            EXPECT_EQ(float(nll[row]), log_sum_exp(n, logits.f32() + row * n) - logits.f32()[row * n + targets[row]]);
          }
        return Outputs{nll, d};
      });
      std::vector<double> nll(rows), d(rows * n);
      cross_entropy_rows_ref(rows, n, logits.numbers().data(), targets.data(), scale.numbers().data(), nll.data(), d.data());
      const double top = largest(logits.numbers());
      expect_close(out[0], nll, 4 * (top + 10), "nll");
      // A probability is exp(x - lse): the exponent's rounding enters relative to the probability, which is at most 1.
      expect_close(out[1], d, 4 * (top + 10) * largest(scale.numbers()), "d_logits");
      for (int64_t row = 0; row < rows; ++row) {
        Values nll1(DType::kF32, 1), d1(d_dtype, n);
        cross_entropy_rows(1, n, logits.f32() + row * n, &targets[row], scale.f32() + row, nll1.f32(), d_dtype, d1.data());
        ASSERT_TRUE(nll1 == out[0].slice(row, 1) && d1 == out[1].slice(row * n, n)) << "row " << row << " alone";
        const bool counts = targets[row] >= 0 && scale[row] != 0;
        ASSERT_TRUE(counts || d1 == Values(d_dtype, n)) << "row " << row << " is not zero";
      }
    }
}

TEST(CrossEntropy, NanAndInfinityComeThrough) {
  const int64_t n = 2100;
  for (Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    for (float bad : {NAN, kInf})
      for (int64_t at : {0, 5, 1030, 2099})
        for (int64_t target : {5, 6}) {
          Values x = Values::random(DType::kF32, n, 1), nll(DType::kF32, 1), d(DType::kF32, n);
          x.f32()[at] = bad;
          const int32_t t = int32_t(target);
          const float one = 1;
          cross_entropy_rows(1, n, x.f32(), &t, &one, nll.f32(), DType::kF32, d.data());
          EXPECT_FALSE(std::isfinite(nll[0])) << bad << " at " << at;
          EXPECT_FALSE(std::isfinite(d[at])) << bad << " at " << at;
          EXPECT_FALSE(std::isfinite(log_sum_exp(n, x.f32())));
        }
    // A NaN in a chunk of nothing but -inf.
    Values x(DType::kF32, n, -kInf);
    EXPECT_EQ(log_sum_exp(n, x.f32()), -kInf);
    x.f32()[1999] = NAN;
    EXPECT_TRUE(std::isnan(log_sum_exp(n, x.f32())));
    // Banned entries weigh nothing, even a whole chunk of them, wherever the level of the others lies.
    for (float level : {-5000.0f, 0.0f, 5000.0f}) {
      Values y(DType::kF32, n, -kInf);
      y.f32()[1500] = level;
      y.f32()[2099] = level;
      EXPECT_NEAR(log_sum_exp(n, y.f32()), level + std::log(2.0f), 5e-4);
    }
  }
  force_isa(best_isa());
}

TEST(CrossEntropy, ReferenceGradientIsExact) {
  const int64_t rows = 3, n = 7;
  const std::vector<double> x = Values::random(DType::kF32, rows * n, 1, 2).numbers(), scale = {0.5, -1.25, 2};
  const std::vector<int32_t> targets = {3, -1, 0};
  std::vector<double> nll(rows), d(rows * n);
  cross_entropy_rows_ref(rows, n, x.data(), targets.data(), scale.data(), nll.data(), d.data());
  using C = std::complex<double>;
  expect_gradient(x, d, [&](const std::vector<C>& z) {
    std::vector<C> z_nll(rows), unused(rows * n), z_scale(scale.begin(), scale.end());
    cross_entropy_rows_ref(rows, n, z.data(), targets.data(), z_scale.data(), z_nll.data(), unused.data());
    return weighted(scale, z_nll);
  }, "d_logits");
}

}  // namespace
}  // namespace minke::rows
