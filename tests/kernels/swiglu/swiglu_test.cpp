#include "kernels/swiglu/swiglu.h"

#include "kernels/row_testing.h"
#include "kernels/swiglu/swiglu_ref.h"

namespace minke::rows {
namespace {

const std::vector<std::pair<int64_t, int64_t>> kShapes = {{0, 4}, {1, 1}, {3, 17}, {2, 64}, {33, 100}, {65, 256}};

TEST(Swiglu, ForwardAndBackwardAreTheReferenceEverywhere) {
  for (auto [rows, n] : kShapes)
    for (DType dtype : kDTypes) {
      Values x = Values::random(dtype, rows * 2 * n, 1, 4), dh = Values::random(dtype, rows * n, 2);
      const Outputs out = same_everywhere([&] {
        Values h(dtype, rows * n), dx(dtype, rows * 2 * n), dx_alone = dx, h_again = h;
        swiglu_forward(dtype, rows, n, x.data(), h.data());
        swiglu_backward(dtype, rows, n, x.data(), dh.data(), dx.data(), h_again.data());
        swiglu_backward(dtype, rows, n, x.data(), dh.data(), dx_alone.data(), nullptr);
        EXPECT_TRUE(h == h_again);
        EXPECT_TRUE(dx == dx_alone);
        return Outputs{h, dx};
      });
      std::vector<double> h(rows * n), dx(rows * 2 * n);
      swiglu_forward_ref(rows, n, x.numbers().data(), h.data());
      swiglu_backward_ref(rows, n, x.numbers().data(), dh.numbers().data(), dx.data());
      const double top = largest(x.numbers());
      expect_close(out[0], h, 8 * top * top, "h");
      expect_close(out[1], dx, 8 * largest(dh.numbers()) * top * (1 + top), "d_gate_up");
    }
}

TEST(Swiglu, ARowAloneIsTheRowInABatch) {
  const int64_t rows = 40, n = 45;
  for (DType dtype : kDTypes) {
    Values x = Values::random(dtype, rows * 2 * n, 1), dh = Values::random(dtype, rows * n, 2), h(dtype, rows * n), dx(dtype, rows * 2 * n);
    swiglu_forward(dtype, rows, n, x.data(), h.data());
    swiglu_backward(dtype, rows, n, x.data(), dh.data(), dx.data(), nullptr);
    for (int64_t row = 0; row < rows; ++row) {
      Values h1(dtype, n), dx1(dtype, 2 * n);
      swiglu_forward(dtype, 1, n, x.at(row * 2 * n), h1.data());
      swiglu_backward(dtype, 1, n, x.at(row * 2 * n), dh.at(row * n), dx1.data(), nullptr);
      ASSERT_TRUE(h1 == h.slice(row * n, n) && dx1 == dx.slice(row * 2 * n, 2 * n)) << "row " << row;
    }
  }
}

TEST(Swiglu, FarFromZeroItSaturatesAndNanComesThrough) {
  Values x(DType::kF32, 8);
  const float gates[4] = {-1e4f, -100, 100, NAN};
  for (int i = 0; i < 4; ++i) x.f32()[i] = gates[i], x.f32()[4 + i] = 2;
  const Outputs out = same_everywhere([&] {
    Values h(DType::kF32, 4);
    swiglu_forward(DType::kF32, 1, 4, x.data(), h.data());
    EXPECT_TRUE(std::isnan(h[3]));
    return Outputs{h.slice(0, 3)};
  });
  EXPECT_EQ(out[0][0], 0);
  EXPECT_EQ(std::abs(out[0][1]), 0);  // 200 e^-100 is below the smallest normal number
  EXPECT_EQ(out[0][2], 200);
}

TEST(Swiglu, ReferenceGradientIsExact) {
  const int64_t rows = 2, n = 4;
  const std::vector<double> x = Values::random(DType::kF32, rows * 2 * n, 1, 2).numbers(), dh = Values::random(DType::kF32, rows * n, 2).numbers();
  std::vector<double> dx(rows * 2 * n);
  swiglu_backward_ref(rows, n, x.data(), dh.data(), dx.data());
  using C = std::complex<double>;
  expect_gradient(x, dx, [&](const std::vector<C>& z) {
    std::vector<C> h(rows * n);
    swiglu_forward_ref(rows, n, z.data(), h.data());
    return weighted(dh, h);
  }, "d_gate_up");
}

}  // namespace
}  // namespace minke::rows
