// A linear layer in FP8: its three products against double precision over the operands that the recipe rounds.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/cpu.h"
#include "base/rng.h"
#include "base/threads.h"
#include "layers/linear.h"
#include "numeric/fp8_block.h"

namespace minke {
namespace {

constexpr int64_t kOut = 150, kIn = 200;

std::vector<float> random(int64_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = bf16_round(rng.normal() * float(std::exp2(double(rng.below(12)) - 6)));
  return x;
}

std::vector<bf16> stored(const std::vector<float>& x) {
  std::vector<bf16> y;
  for (const float v : x) y.push_back(bf16_from_f32(v));
  return y;
}

// The plain quantisation, tiles of the tokens counted from each group's first row.
std::vector<float> rounded(std::vector<float> x, int64_t cols, Fp8Block block, const std::vector<int64_t>& offsets) {
  for (size_t g = 0; g + 1 < offsets.size(); ++g)
    fp8_fake_quantise({offsets[g + 1] - offsets[g], cols, block}, DType::kF32, x.data() + offsets[g] * cols, cols, Fp8Scale::kPowerOfTwo);
  return x;
}

class Fp8Linear : public testing::Test {
 protected:
  // `experts` matrices of one group.
  void make(const std::vector<int64_t>& offsets) {
    offsets_ = offsets;
    const int64_t rows = offsets.back();
    experts_ = offsets.size() - 1;
    x_ = random(rows * kIn, 1), dy_ = random(rows * kOut, 2);
    layers_.resize(experts_);
    packed_.clear();
    dw_.assign(experts_, std::vector<float>(size_t(kOut * kIn), 0.0f));
    w_.clear();
    for (size_t e = 0; e < experts_; ++e) {
      w_.push_back(rounded(random(kOut * kIn, 3 + e), kIn, kFp8WeightBlock, {0, kOut}));
      packed_.emplace_back(size_t(packed_b_bytes(DType::kBF16, kIn, kOut)));
      packed_.emplace_back(size_t(packed_b_bytes(DType::kBF16, kOut, kIn)));
      void *forward = packed_[packed_.size() - 2].data(), *backward = packed_.back().data();
      pack_b(DType::kBF16, kIn, kOut, w_[e].data(), DType::kF32, 1, kIn, forward);
      pack_b(DType::kBF16, kOut, kIn, w_[e].data(), DType::kF32, kIn, 1, backward);
      layers_[e] = {kIn, kOut, DType::kBF16, forward, backward, dw_[e].data(), &recipe_named("fp8")};
    }
  }
  // |got - sum| within what f32 sums of n products may lose.
  static void expect_sum(float got, double sum, double magnitudes, int64_t n, const char* what) {
    ASSERT_LE(std::abs(double(got) - sum), 0x1p-23 * double(n) * magnitudes + 1e-30) << what;
  }
  View view(std::vector<bf16>& x, int64_t cols) const { return {DType::kBF16, x.data(), offsets_.back(), cols, cols}; }

  std::vector<int64_t> offsets_;
  size_t experts_ = 0;
  std::vector<float> x_, dy_;
  std::vector<std::vector<float>> w_, dw_;
  std::vector<Buffer> packed_;
  std::vector<Linear> layers_;
};

TEST_F(Fp8Linear, TheThreeProductsAreThoseOfTheRoundedOperands) {
  for (const std::vector<int64_t>& offsets : {std::vector<int64_t>{0, 300}, std::vector<int64_t>{0, 70, 70, 330}}) {
    make(offsets);
    const int64_t rows = offsets.back();
    const std::vector<int64_t> all = {0, rows};
    std::vector<bf16> x = stored(x_), dy = stored(dy_);
    std::vector<float> y(size_t(rows * kOut)), dx(size_t(rows * kIn));
    const View to_y{DType::kF32, y.data(), rows, kOut, kOut}, to_dx{DType::kF32, dx.data(), rows, kIn, kIn};
    if (experts_ == 1) {
      linear_forward(layers_[0], view(x, kIn), to_y);
      linear_backward_input(layers_[0], view(dy, kOut), to_dx);
      linear_backward_weight(layers_[0], view(x, kIn), view(dy, kOut));
    } else {
      grouped_forward(layers_, offsets, view(x, kIn), to_y);
      grouped_backward_input(layers_, offsets, view(dy, kOut), to_dx);
      grouped_backward_weight(layers_, offsets, view(x, kIn), view(dy, kOut));
    }
    const std::vector<float> xq = rounded(x_, kIn, kFp8ActivationTile, all), dyq = rounded(dy_, kOut, kFp8ActivationTile, all);
    const std::vector<float> xt = rounded(x_, kIn, {128, 1}, offsets), dyt = rounded(dy_, kOut, {128, 1}, offsets);
    EXPECT_NE(xq, xt);
    for (size_t e = 0; e < experts_; ++e) {
      for (int64_t t = offsets[e]; t < offsets[e + 1]; ++t) {
        for (int64_t o = 0; o < kOut; ++o) {
          double sum = 0, magnitudes = 0;
          for (int64_t i = 0; i < kIn; ++i) {
            const double term = double(xq[size_t(t * kIn + i)]) * double(w_[e][size_t(o * kIn + i)]);
            sum += term, magnitudes += std::abs(term);
          }
          expect_sum(y[size_t(t * kOut + o)], sum, magnitudes, kIn, "y");
        }
        for (int64_t i = 0; i < kIn; ++i) {
          double sum = 0, magnitudes = 0;
          for (int64_t o = 0; o < kOut; ++o) {
            const double term = double(dyq[size_t(t * kOut + o)]) * double(w_[e][size_t(o * kIn + i)]);
            sum += term, magnitudes += std::abs(term);
          }
          expect_sum(dx[size_t(t * kIn + i)], sum, magnitudes, kOut, "dx");
        }
      }
      for (int64_t o = 0; o < kOut; ++o)
        for (int64_t i = 0; i < kIn; ++i) {
          double sum = 0, magnitudes = 0;
          for (int64_t t = offsets[e]; t < offsets[e + 1]; ++t) {
            const double term = double(dyt[size_t(t * kOut + o)]) * double(xt[size_t(t * kIn + i)]);
            sum += term, magnitudes += std::abs(term);
          }
          expect_sum(dw_[e][size_t(o * kIn + i)], sum, magnitudes, rows, "dw");
        }
    }
  }
}

// docs/invariance.md: neither the rows beside a row nor the threads change its bits.
TEST_F(Fp8Linear, ARowAloneIsTheRowInABatch) {
  make({0, 130});
  std::vector<bf16> x = stored(x_), dy = stored(dy_);
  std::vector<float> y(130 * kOut), dx(130 * kIn), one(kOut), d_one(kIn);
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    linear_forward(layers_[0], view(x, kIn), {DType::kF32, y.data(), 130, kOut, kOut});
    linear_backward_input(layers_[0], view(dy, kOut), {DType::kF32, dx.data(), 130, kIn, kIn});
    for (int64_t t = 0; t < 130; ++t) {
      linear_forward(layers_[0], view(x, kIn).slice(t, 1), {DType::kF32, one.data(), 1, kOut, kOut});
      linear_backward_input(layers_[0], view(dy, kOut).slice(t, 1), {DType::kF32, d_one.data(), 1, kIn, kIn});
      ASSERT_TRUE(std::equal(one.begin(), one.end(), y.begin() + t * kOut)) << t;
      ASSERT_TRUE(std::equal(d_one.begin(), d_one.end(), dx.begin() + t * kIn)) << t;
    }
  }
  set_thread_count(1);
}

TEST(Recipes, AreFoundByName) {
  EXPECT_EQ(recipe_named("fp8").compute, DType::kBF16);
  EXPECT_TRUE(recipe_named("fp8").row_alone);
  EXPECT_FALSE(recipe_named("fp8_hybrid").row_alone);
  EXPECT_FALSE(recipe_of(DType::kF32).fp8());
  EXPECT_THROW(recipe_named("fp4"), Error);
}

}  // namespace
}  // namespace minke
