#include "kernels/adamw/adamw.h"

#include "kernels/adamw/adamw_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

AdamW options(int64_t step) {
  AdamW a;
  a.lr = 0.01f;
  a.step = step;
  a.grad_scale = 0.5f;
  return a;
}

TEST(AdamW, IsTheReferenceEverywhere) {
  for (int64_t n : {0, 1, 15, 16, 33, 50001})
    for (DType dtype : kDTypes)
      for (int64_t step : {1, 2, 1000}) {
        const Values w0 = Values::random(DType::kF32, n, 1), g = Values::random(DType::kF32, n, 2), m0 = Values::random(dtype, n, 3);
        Values v0 = Values::random(DType::kF32, n, 4);
        for (int64_t i = 0; i < n; ++i) v0.f32()[i] *= v0.f32()[i];  // variances are not negative
        Values v0_typed(dtype, n);
        convert(DType::kF32, v0.f32(), dtype, v0_typed.data(), n);
        const Outputs out = same_everywhere([&] {
          Values w = w0, m = m0, v = v0_typed;
          adamw_update(options(step), dtype, n, w.f32(), g.f32(), m.data(), v.data());
          return Outputs{w, m, v};
        });
        std::vector<double> w = w0.numbers(), m = m0.numbers(), v = v0_typed.numbers();
        const AdamW a = options(step);
        adamw_update_ref(a, n, w.data(), g.numbers().data(), m.data(), v.data());
        // f32 keeps beta and 1 - beta to 2^-24; the correction 1 - beta^t loses no more. The step m / sqrt(v) can be large where v is
        // tiny, so its slack is the largest step taken.
        double step_size = 0;
        for (int64_t i = 0; i < n; ++i) step_size = std::max(step_size, std::abs(w[i] - w0[i]));
        expect_close(out[0], w, 4 * largest(w) + 16 * step_size, "w");
        expect_close(out[1], m, 4 * (largest(m0.numbers()) + largest(g.numbers())), "m");
        expect_close(out[2], v, 4 * (largest(v0.numbers()) + largest(g.numbers()) * largest(g.numbers())), "v");
        if (n > 40) {  // an element is updated alike wherever it lies
          Values w1 = w0.slice(21, 9), m1 = m0.slice(21, 9), v1 = v0_typed.slice(21, 9), g1 = g.slice(21, 9);
          adamw_update(a, dtype, 9, w1.f32(), g1.f32(), m1.data(), v1.data());
          EXPECT_TRUE(w1 == out[0].slice(21, 9) && m1 == out[1].slice(21, 9) && v1 == out[2].slice(21, 9));
        }
      }
}

TEST(AdamW, MatchesAHandComputedStep) {
  // w = 1, g = 2, t = 1: m = 0.2, v = 0.2, corrected m = 2, v = 4: w = 1 - 0.1 (2 / 2 + 0.1 * 1) = 0.89
  AdamW a;
  a.lr = 0.1f;
  float w = 1, g = 2, m = 0, v = 0;
  adamw_update(a, DType::kF32, 1, &w, &g, &m, &v);
  EXPECT_NEAR(w, 0.89f, 1e-6);
  EXPECT_NEAR(m, 0.2f, 1e-7);
  EXPECT_NEAR(v, 0.2f, 1e-7);
}

TEST(AdamW, FindsTheMinimumOfABowl) {
  AdamW a;
  a.lr = 0.05f;
  a.decay = 0;
  float w = 5;
  bf16 m{}, v{};
  for (a.step = 1; a.step <= 500; ++a.step) {
    const float g = 2 * (w - 3);
    adamw_update(a, DType::kBF16, 1, &w, &g, &m, &v);
  }
  EXPECT_NEAR(w, 3, 0.05);
}

TEST(SumOfSquares, IsExactToDoubleEverywhere) {
  for (int64_t n : {0, 1, 17, 65536, 200003}) {
    const Values x = Values::random(DType::kF32, n, 1, 100);
    double want = 0;
    for (int64_t i = 0; i < n; ++i) want += x[i] * x[i];
    std::optional<double> first;
    same_everywhere([&] {
      const double got = sum_of_squares(n, x.f32());
      if (!first) first = got;
      EXPECT_EQ(got, *first);
      return Outputs{};
    });
    EXPECT_NEAR(*first, want, 1e-12 * want);
  }
}

TEST(SumOfSquares, NanInfinityAndHugeValuesComeThrough) {
  for (Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    Values x = Values::random(DType::kF32, 70000, 1);
    x.f32()[69999] = 1e30f;
    EXPECT_NEAR(sum_of_squares(70000, x.f32()), 1e60, 1e54);
    x.f32()[3] = INFINITY;
    EXPECT_EQ(sum_of_squares(70000, x.f32()), INFINITY);
    x.f32()[66000] = NAN;
    EXPECT_TRUE(std::isnan(sum_of_squares(70000, x.f32())));
  }
  force_isa(best_isa());
}

}  // namespace
}  // namespace minke::rows
