#include "kernels/router/router_logits.h"

#include "kernels/router/router_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

struct Case {
  int64_t rows, experts, n;
};
const std::vector<Case> kCases = {{0, 4, 8}, {1, 1, 1}, {5, 3, 17}, {70, 16, 64}, {130, 16, 256}, {66, 7, 100}};

TEST(RouterLogits, ForwardAndGradientsAreTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (DType dtype : kDTypes) {
      Values x = Values::random(dtype, c.rows * c.n, 1), w = Values::random(DType::kF32, c.experts * c.n, 2);
      Values d = Values::random(DType::kF32, c.rows * c.experts, 3);
      const Values dx0 = Values::random(DType::kF32, c.rows * c.n, 4), dw0 = Values::random(DType::kF32, c.experts * c.n, 5);
      const Outputs out = same_everywhere([&] {
        Values logits(DType::kF32, c.rows * c.experts), dx = dx0, dw = dw0;
        router_logits_forward(dtype, c.rows, c.experts, c.n, x.data(), w.f32(), logits.f32());
        router_logits_backward_x(c.rows, c.experts, c.n, d.f32(), w.f32(), dx.f32());
        router_logits_backward_w(dtype, c.rows, c.experts, c.n, x.data(), d.f32(), dw.f32());
        return Outputs{logits, dx, dw};
      });
      const std::vector<double> xs = x.numbers(), ws = w.numbers(), ds = d.numbers();
      std::vector<double> logits(c.rows * c.experts), dx = dx0.numbers(), dw = dw0.numbers();
      router_logits_ref(c.rows, c.experts, c.n, xs.data(), ws.data(), logits.data());
      for (int64_t row = 0; row < c.rows; ++row)
        for (int64_t e = 0; e < c.experts; ++e)
          for (int64_t i = 0; i < c.n; ++i) {
            dx[row * c.n + i] += ds[row * c.experts + e] * ws[e * c.n + i];
            dw[e * c.n + i] += ds[row * c.experts + e] * xs[row * c.n + i];
          }
      // A sum of k products of random sign: partial sums stay below a few sqrt(k) of the largest product.
      const auto slack = [](int64_t k, double terms, double product) { return (terms + 2) * 2 * std::sqrt(double(k)) * product; };
      expect_close(out[0], logits, slack(c.n, 4 + double(c.n) / 16, largest(xs) * largest(ws)), "logits");
      expect_close(out[1], dx, slack(c.experts, double(c.experts), largest(ds) * largest(ws)) + 4, "dx");
      expect_close(out[2], dw, slack(c.rows, 64 + double(c.rows) / 64, largest(ds) * largest(xs)) + 4, "dw");
      for (int64_t row = 0; row < c.rows; ++row) {
        Values one(DType::kF32, c.experts), dx1 = dx0.slice(row * c.n, c.n);
        router_logits_forward(dtype, 1, c.experts, c.n, x.at(row * c.n), w.f32(), one.f32());
        router_logits_backward_x(1, c.experts, c.n, d.f32() + row * c.experts, w.f32(), dx1.f32());
        ASSERT_TRUE(one == out[0].slice(row * c.experts, c.experts) && dx1 == out[1].slice(row * c.n, c.n)) << "row " << row << " alone";
      }
      for (int64_t e = 0; e < c.experts; ++e) {  // an expert alone has the logits it has among others
        Values one(DType::kF32, c.rows);
        router_logits_forward(dtype, c.rows, 1, c.n, x.data(), w.f32() + e * c.n, one.f32());
        for (int64_t row = 0; row < c.rows; ++row) ASSERT_EQ(one[row], out[0][row * c.experts + e]);
      }
    }
}

}  // namespace
}  // namespace minke::rows
