#include "kernels/norm/rms_norm.h"

#include "kernels/norm/rms_norm_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

constexpr float kEps = 1e-6f;

struct Case {
  int64_t rows, n, pad;  // pad: elements between rows
};
const std::vector<Case> kCases = {{0, 8, 0}, {1, 1, 0}, {3, 7, 2}, {5, 16, 0}, {2, 33, 5}, {130, 48, 0}, {65, 256, 64}, {4, 1001, 0}};

// rows of n elements out of a buffer whose rows lie n + pad apart
std::vector<double> unpadded(const Values& x, const Case& c) {
  std::vector<double> out;
  for (int64_t row = 0; row < c.rows; ++row)
    for (int64_t i = 0; i < c.n; ++i) out.push_back(x[row * (c.n + c.pad) + i]);
  return out;
}

Values compact(const Values& x, const Case& c) {
  Values out(x.dtype(), c.rows * c.n);
  for (int64_t row = 0; row < c.rows; ++row) {
    const Values one = x.slice(row * (c.n + c.pad), c.n);
    convert(one.dtype(), const_cast<Values&>(one).data(), out.dtype(), out.at(row * c.n), c.n);
  }
  return out;
}

TEST(RmsNorm, ForwardIsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (DType x_dtype : kDTypes)
      for (DType y_dtype : kDTypes) {
        const int64_t ld = c.n + c.pad;
        Values x = Values::random(x_dtype, c.rows * ld, 1, 3), w = Values::random(DType::kF32, c.n, 2);
        const Outputs out = same_everywhere([&] {
          Values y(y_dtype, c.rows * ld, 7), rstd(DType::kF32, c.rows);
          rms_norm_forward(c.rows, c.n, kEps, x_dtype, x.data(), ld, w.f32(), y_dtype, y.data(), ld, rstd.f32());
          return Outputs{y, rstd};
        });
        std::vector<double> y(c.rows * c.n), rstd(c.rows);
        rms_norm_forward_ref<double>(c.rows, c.n, kEps, unpadded(x, c).data(), w.numbers().data(), y.data(), rstd.data());
        expect_close(compact(out[0], c), y, (4 + double(c.n) / 16) * largest(y), "y");
        expect_close(out[1], rstd, (4 + double(c.n) / 16) * largest(rstd), "rstd");
        for (int64_t row = 0; row < c.rows; ++row)
          for (int64_t i = c.n; i < ld; ++i) ASSERT_EQ(out[0][row * ld + i], 7) << "written between rows";
      }
}

TEST(RmsNorm, BackwardIsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (DType x_dtype : kDTypes)
      for (DType dy_dtype : kDTypes)
        for (int mode = 0; mode < 3; ++mode) {  // dx in f32, added to f32, in bf16
          const DType dx_dtype = mode == 2 ? DType::kBF16 : DType::kF32;
          const int64_t ld = c.n + c.pad;
          Values x = Values::random(x_dtype, c.rows * ld, 1, 3), w = Values::random(DType::kF32, c.n, 2), dy = Values::random(dy_dtype, c.rows * ld, 3);
          const Values dx0 = Values::random(dx_dtype, c.rows * ld, 4), dw0 = Values::random(DType::kF32, c.n, 5);
          Values rstd(DType::kF32, c.rows);
          Values y(DType::kF32, c.rows * ld);
          rms_norm_forward(c.rows, c.n, kEps, x_dtype, x.data(), ld, w.f32(), DType::kF32, y.data(), ld, rstd.f32());
          const Outputs out = same_everywhere([&] {
            Values dx = dx0, dw = dw0;
            rms_norm_backward(c.rows, c.n, x_dtype, x.data(), ld, w.f32(), rstd.f32(), dy_dtype, dy.data(), ld, dx_dtype, dx.data(), ld, mode == 1,
                              dw.f32());
            return Outputs{dx, dw};
          });
          std::vector<double> dx(c.rows * c.n), dw = dw0.numbers();
          rms_norm_backward_ref<double>(c.rows, c.n, unpadded(x, c).data(), w.numbers().data(), rstd.numbers().data(), unpadded(dy, c).data(),
                                        dx.data(), dw.data());
          const std::vector<double> old = unpadded(dx0, c);
          if (mode == 1)
            for (size_t i = 0; i < dx.size(); ++i) dx[i] += old[i];
          // Terms of dx: r w dy, and x r times the row's mean of (x r)(w dy): at most sqrt(n) times the largest r w dy.
          const double term = largest(rstd.numbers()) * largest(w.numbers()) * largest(dy.numbers()) * std::sqrt(double(c.n));
          expect_close(compact(out[0], c), dx, (8 + double(c.n) / 16) * (term + largest(old)), "dx");
          // dw is a sum over rows: its error is bounded by the operations on one term times the sum of the terms' sizes.
          std::vector<double> sizes(c.n);
          const std::vector<double> xs = unpadded(x, c), dys = unpadded(dy, c);
          for (int64_t i = 0; i < c.rows * c.n; ++i) sizes[i % c.n] += std::abs(xs[i] * dys[i] * rstd[i / c.n]);
          const int64_t operations = 3 + std::min<int64_t>(c.rows, 64) + c.rows / 64;
          expect_close(out[1], dw, double(operations) * (largest(sizes) + largest(dw0.numbers())), "dw");
        }
}

TEST(RmsNorm, ARowAloneIsTheRowInABatch) {
  const int64_t rows = 67, n = 77;
  for (DType dtype : kDTypes) {
    Values x = Values::random(dtype, rows * n, 1), w = Values::random(DType::kF32, n, 2), dy = Values::random(dtype, rows * n, 3);
    Values y(dtype, rows * n), rstd(DType::kF32, rows), dx(dtype, rows * n), dw(DType::kF32, n);
    rms_norm_forward(rows, n, kEps, dtype, x.data(), n, w.f32(), dtype, y.data(), n, rstd.f32());
    rms_norm_backward(rows, n, dtype, x.data(), n, w.f32(), rstd.f32(), dtype, dy.data(), n, dtype, dx.data(), n, false, dw.f32());
    for (int64_t row = 0; row < rows; ++row) {
      Values y1(dtype, n), dx1(dtype, n), r1(DType::kF32, 1);
      rms_norm_forward(1, n, kEps, dtype, x.at(row * n), n, w.f32(), dtype, y1.data(), n, r1.f32());
      rms_norm_backward(1, n, dtype, x.at(row * n), n, w.f32(), r1.f32(), dtype, dy.at(row * n), n, dtype, dx1.data(), n, false, dw.f32());
      ASSERT_TRUE(y1 == y.slice(row * n, n) && r1 == rstd.slice(row, 1) && dx1 == dx.slice(row * n, n)) << "row " << row;
    }
  }
}

TEST(RmsNorm, ReferenceGradientsAreExact) {
  const int64_t rows = 3, n = 5;
  const std::vector<double> x = Values::random(DType::kF32, rows * n, 1).numbers(), w = Values::random(DType::kF32, n, 2).numbers(),
                            dy = Values::random(DType::kF32, rows * n, 3).numbers();
  std::vector<double> y(rows * n), rstd(rows), dx(rows * n), dw(n);
  rms_norm_forward_ref(rows, n, 1e-3, x.data(), w.data(), y.data(), rstd.data());
  rms_norm_backward_ref(rows, n, x.data(), w.data(), rstd.data(), dy.data(), dx.data(), dw.data());
  using C = std::complex<double>;
  const auto loss = [&](const std::vector<C>& zx, const std::vector<C>& zw) {
    std::vector<C> zy(rows * n);
    rms_norm_forward_ref<C>(rows, n, 1e-3, zx.data(), zw.data(), zy.data(), nullptr);
    return weighted(dy, zy);
  };
  expect_gradient(x, dx, [&](const std::vector<C>& z) { return loss(z, {w.begin(), w.end()}); }, "dx");
  expect_gradient(w, dw, [&](const std::vector<C>& z) { return loss({x.begin(), x.end()}, z); }, "dw");
}

}  // namespace
}  // namespace minke::rows
