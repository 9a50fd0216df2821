#include "kernels/rope/rope.h"

#include "kernels/row_testing.h"
#include "kernels/rope/rope_ref.h"

namespace minke::rows {
namespace {

constexpr int64_t kPositions = 50;

std::vector<float> table(int64_t d) {
  std::vector<float> out;
  for (int64_t p = 0; p < kPositions; ++p)
    for (int64_t i = 0; i < d / 2; ++i) {
      const double angle = double(p) * std::pow(10000.0, -2.0 * double(i) / double(d));
      out.push_back(float(std::cos(angle)));
      out.push_back(float(std::sin(angle)));
    }
  return out;
}

struct Case {
  int64_t rows, heads, d, front;  // front: elements of a head before its rotated part
};
const std::vector<Case> kCases = {{0, 2, 4, 0}, {1, 1, 2, 0}, {7, 3, 6, 5}, {33, 8, 16, 32}, {9, 2, 64, 0}, {5, 1, 34, 1}};

TEST(Rope, IsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (DType dtype : kDTypes)
      for (RopeLayout layout : {RopeLayout::kInterleaved, RopeLayout::kHalfSplit})
        for (bool inverse : {false, true}) {
          const int64_t ld_head = c.front + c.d, ld = c.heads * ld_head + 3;
          const Values x0 = Values::random(dtype, c.rows * ld + c.front, 1);
          const std::vector<float> cos_sin = table(c.d);
          std::vector<int32_t> positions;
          for (int64_t row = 0; row < c.rows; ++row) positions.push_back(int32_t(row * 17 % kPositions));
          const Outputs out = same_everywhere([&] {
            Values x = x0;
            rope_rotate(layout, dtype, c.rows, c.heads, c.d, x.at(c.front), ld, ld_head, cos_sin.data(), positions.data(), inverse);
            return Outputs{x};
          });
          std::vector<double> want = x0.numbers();  // what is not rotated stays
          for (int64_t row = 0; row < c.rows; ++row)
            for (int64_t head = 0; head < c.heads; ++head)
              rope_rotate_ref(layout, c.d, want.data() + row * ld + head * ld_head + c.front, cos_sin.data() + positions[row] * c.d, inverse);
          expect_close(out[0], want, 4 * largest(want), "x");
          for (int64_t row = 0; row < c.rows; ++row) {
            Values alone = x0.slice(row * ld, ld);
            rope_rotate(layout, dtype, 1, c.heads, c.d, alone.at(c.front), ld, ld_head, cos_sin.data(), &positions[row], inverse);
            ASSERT_TRUE(alone == out[0].slice(row * ld, ld)) << "row " << row << " alone";
          }
        }
}

TEST(Rope, InverseIsTheGradient) {
  const int64_t d = 6;
  const std::vector<float> cos_sin = table(d);
  for (RopeLayout layout : {RopeLayout::kInterleaved, RopeLayout::kHalfSplit}) {
    const std::vector<double> x = Values::random(DType::kF32, d, 1).numbers(), dy = Values::random(DType::kF32, d, 2).numbers();
    std::vector<double> dx = dy;
    rope_rotate_ref(layout, d, dx.data(), cos_sin.data() + 7 * d, true);
    using C = std::complex<double>;
    expect_gradient(x, dx, [&](std::vector<C> z) {
      rope_rotate_ref(layout, d, z.data(), cos_sin.data() + 7 * d, false);
      return weighted(dy, z);
    }, "dx");
  }
}

// Dot products of rotated vectors depend on the distance of their positions alone, and both layouts agree up to a permutation.
TEST(Rope, RotatesByPosition) {
  const int64_t d = 8;
  const std::vector<float> cos_sin = table(d);
  const std::vector<double> q = Values::random(DType::kF32, d, 1).numbers(), k = Values::random(DType::kF32, d, 2).numbers();
  const auto score = [&](int64_t p_q, int64_t p_k) {
    std::vector<double> a = q, b = k;
    rope_rotate_ref(RopeLayout::kInterleaved, d, a.data(), cos_sin.data() + p_q * d, false);
    rope_rotate_ref(RopeLayout::kInterleaved, d, b.data(), cos_sin.data() + p_k * d, false);
    double dot = 0;
    for (int64_t i = 0; i < d; ++i) dot += a[i] * b[i];
    return dot;
  };
  EXPECT_NEAR(score(3, 1), score(30, 28), 1e-5);
  EXPECT_GT(std::abs(score(3, 1) - score(3, 2)), 1e-3);
  std::vector<double> inter = q, half(d);
  for (int64_t i = 0; i < d / 2; ++i) half[i] = q[2 * i], half[i + d / 2] = q[2 * i + 1];
  rope_rotate_ref(RopeLayout::kInterleaved, d, inter.data(), cos_sin.data() + 9 * d, false);
  rope_rotate_ref(RopeLayout::kHalfSplit, d, half.data(), cos_sin.data() + 9 * d, false);
  for (int64_t i = 0; i < d / 2; ++i) {
    EXPECT_EQ(half[i], inter[2 * i]);
    EXPECT_EQ(half[i + d / 2], inter[2 * i + 1]);
  }
}

}  // namespace
}  // namespace minke::rows
