#include "kernels/router/router.h"

#include "kernels/router/router_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

struct Case {
  const char* name;
  RouterShape shape;
  bool bias;
};
// experts, top_k, groups, top_groups, softmax, group_top2, normalise, scaling
const std::vector<Case> kCases = {
    {"one expert", {1, 1, 1, 1, false, true, true, 1}, false},
    {"minke tiny", {16, 2, 1, 1, false, true, true, 1.5f}, true},
    {"V3", {256, 8, 8, 4, false, true, true, 2.5f}, true},
    {"groups of one", {6, 2, 6, 3, false, true, true, 1}, true},
    {"sigmoid, not normalised", {24, 3, 4, 2, false, true, false, 2}, true},
    {"V2-Lite", {64, 6, 1, 1, true, false, false, 1}, false},
    {"V2", {160, 6, 8, 3, true, false, false, 16}, false},
    {"softmax, normalised", {20, 4, 4, 2, true, false, true, 1}, false},
};

struct Input {
  Values logits, bias;
};
Input random_input(const Case& c, int64_t rows, uint64_t seed) {
  // Biases straddle zero: with a mask of 0 instead of -inf, groups that lost would win.
  return {Values::random(DType::kF32, rows * c.shape.experts, seed, 2), Values::random(DType::kF32, c.shape.experts, seed + 1, 0.7f)};
}

TEST(Router, ForwardIsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (int64_t rows : {0, 1, 70}) {
      SCOPED_TRACE(c.name);
      const RouterShape& s = c.shape;
      Input in = random_input(c, rows, 1);
      const float* bias = c.bias ? in.bias.f32() : nullptr;
      std::vector<int32_t> chosen(rows * s.top_k), first;
      const Outputs out = same_everywhere([&] {
        Values scores(DType::kF32, rows * s.experts), weights(DType::kF32, rows * s.top_k);
        router_forward(s, rows, in.logits.f32(), bias, scores.f32(), chosen.data(), weights.f32());
        if (first.empty()) first = chosen;
        EXPECT_EQ(chosen, first);
        return Outputs{scores, weights};
      });
      std::vector<double> scores(rows * s.experts), weights(rows * s.top_k);
      std::vector<int32_t> want(rows * s.top_k);
      router_forward_ref(s, rows, in.logits.numbers().data(), bias, scores.data(), want.data(), weights.data());
      expect_close(out[0], scores, 16, "scores");
      EXPECT_EQ(chosen, want);
      expect_close(out[1], weights, 32 * s.scaling, "weights");
      for (int64_t row = 0; row < rows; ++row) {
        Values s1(DType::kF32, s.experts), w1(DType::kF32, s.top_k);
        std::vector<int32_t> c1(s.top_k);
        router_forward(s, 1, in.logits.f32() + row * s.experts, bias, s1.f32(), c1.data(), w1.f32());
        ASSERT_TRUE(s1 == out[0].slice(row * s.experts, s.experts) && w1 == out[1].slice(row * s.top_k, s.top_k)) << "row " << row << " alone";
        ASSERT_TRUE(std::equal(c1.begin(), c1.end(), chosen.begin() + row * s.top_k));
      }
    }
}

TEST(Router, BackwardIsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (bool balance : {false, true}) {
      SCOPED_TRACE(c.name);
      const RouterShape& s = c.shape;
      const int64_t rows = 35;
      Input in = random_input(c, rows, 1);
      Values scores(DType::kF32, rows * s.experts), weights(DType::kF32, rows * s.top_k);
      std::vector<int32_t> chosen(rows * s.top_k);
      router_forward(s, rows, in.logits.f32(), c.bias ? in.bias.f32() : nullptr, scores.f32(), chosen.data(), weights.f32());
      const Values dg = Values::random(DType::kF32, rows * s.top_k, 5), ds = Values::random(DType::kF32, rows * s.experts, 6);
      const Outputs out = same_everywhere([&] {
        Values d(DType::kF32, rows * s.experts, 9);
        router_backward(s, rows, scores.f32(), chosen.data(), dg.f32(), balance ? ds.f32() : nullptr, d.f32());
        return Outputs{d};
      });
      std::vector<double> d(rows * s.experts);
      router_backward_ref<double>(s, rows, scores.numbers().data(), chosen.data(), dg.numbers().data(), balance ? ds.numbers().data() : nullptr, d.data());
      // ds = scaling dg / sum of the chosen s, times s (1 - s) with s <= that sum when normalised.
      const double size = s.scaling * largest(dg.numbers()) + largest(ds.numbers());
      expect_close(out[0], d, (16 + double(s.experts) / 16) * size, "d_logits");
      for (int64_t row = 0; row < rows; ++row) {
        Values d1(DType::kF32, s.experts);
        router_backward(s, 1, scores.f32() + row * s.experts, chosen.data() + row * s.top_k, dg.f32() + row * s.top_k,
                        balance ? ds.f32() + row * s.experts : nullptr, d1.f32());
        ASSERT_TRUE(d1 == out[0].slice(row * s.experts, s.experts)) << "row " << row << " alone";
      }
    }
}

TEST(Router, ReferenceGradientIsExact) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const RouterShape& s = c.shape;
    const int64_t rows = 2;
    Input in = random_input(c, rows, 3);
    const float* bias = c.bias ? in.bias.f32() : nullptr;
    const std::vector<double> x = in.logits.numbers(), dg = Values::random(DType::kF32, rows * s.top_k, 5).numbers(),
                              extra = Values::random(DType::kF32, rows * s.experts, 6).numbers();
    std::vector<double> scores(x.size()), weights(rows * s.top_k), d(x.size());
    std::vector<int32_t> chosen(rows * s.top_k);
    router_forward_ref(s, rows, x.data(), bias, scores.data(), chosen.data(), weights.data());
    router_backward_ref(s, rows, scores.data(), chosen.data(), dg.data(), extra.data(), d.data());
    using C = std::complex<double>;
    expect_gradient(x, d, [&](const std::vector<C>& z) {
      std::vector<C> zs(x.size()), zw(rows * s.top_k);
      std::vector<int32_t> z_chosen(rows * s.top_k);
      router_forward_ref(s, rows, z.data(), bias, zs.data(), z_chosen.data(), zw.data());
      EXPECT_EQ(z_chosen, chosen);
      return weighted(dg, zw) + weighted(extra, zs);
    }, "d_logits");
  }
}

// Weights of a selection made elsewhere, and their gradient: for the router's own its very bits, for any other the reference's.
TEST(Router, AnySelectionIsWeighedAsItsOwn) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const RouterShape& s = c.shape;
    const int64_t rows = 35;
    Input in = random_input(c, rows, 11);
    Values scores(DType::kF32, rows * s.experts), own(DType::kF32, rows * s.top_k), again(DType::kF32, rows * s.top_k);
    std::vector<int32_t> chosen(rows * s.top_k);
    router_forward(s, rows, in.logits.f32(), c.bias ? in.bias.f32() : nullptr, scores.f32(), chosen.data(), own.f32());
    router_weights(s, rows, scores.f32(), chosen.data(), again.f32());
    EXPECT_TRUE(again == own);

    for (int32_t& e : chosen) e = int32_t((e + s.experts / 2 + 1) % s.experts);  // distinct still
    const Values dg = Values::random(DType::kF32, rows * s.top_k, 12);
    const Outputs out = same_everywhere([&] {
      Values w(DType::kF32, rows * s.top_k), d(DType::kF32, rows * s.experts, 9);
      router_weights(s, rows, scores.f32(), chosen.data(), w.f32());
      router_backward(s, rows, scores.f32(), chosen.data(), dg.f32(), nullptr, d.f32());
      return Outputs{w, d};
    });
    std::vector<double> w(rows * s.top_k), d(rows * s.experts);
    const std::vector<double> exact = scores.numbers();
    for (int64_t row = 0; row < rows; ++row)
      router_weights_ref(s, exact.data() + row * s.experts, chosen.data() + row * s.top_k, w.data() + row * s.top_k);
    expect_close(out[0], w, 32 * s.scaling, "weights");
    router_backward_ref<double>(s, rows, exact.data(), chosen.data(), dg.numbers().data(), nullptr, d.data());
    expect_close(out[1], d, (16 + double(s.experts) / 16) * s.scaling * largest(dg.numbers()), "d_logits");
  }
}

TEST(Router, TiesGoToTheLowerIndex) {
  const RouterShape s{8, 3, 4, 2, false, true, true, 1};
  Values logits(DType::kF32, 8, 0.25f), scores(DType::kF32, 8), weights(DType::kF32, 3);
  int32_t chosen[3];
  router_forward(s, 1, logits.f32(), nullptr, scores.f32(), chosen, weights.f32());
  EXPECT_EQ(std::vector<int32_t>(chosen, chosen + 3), (std::vector<int32_t>{0, 1, 2}));
  logits.f32()[7] = 1;  // its group is the best, then the first of the equal ones
  router_forward(s, 1, logits.f32(), nullptr, scores.f32(), chosen, weights.f32());
  EXPECT_EQ(std::vector<int32_t>(chosen, chosen + 3), (std::vector<int32_t>{7, 0, 1}));
}

TEST(Router, LostGroupsStayOutWhenBiasesAreNegative) {
  const RouterShape s{6, 3, 3, 2, false, true, true, 1};
  Values logits(DType::kF32, 6), scores(DType::kF32, 6), weights(DType::kF32, 3);
  const float bias[6] = {-5, -9, -2, -3, -4, -4.5f};  // all t < 0: group sums -13, -4, -7.5
  int32_t chosen[3];
  router_forward(s, 1, logits.f32(), bias, scores.f32(), chosen, weights.f32());
  EXPECT_EQ(std::vector<int32_t>(chosen, chosen + 3), (std::vector<int32_t>{2, 3, 4}));
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(weights[k], 1.0 / 3, 1e-6);  // the bias selects and does not weigh
}

TEST(Router, NanIsChosenSoThatItShows) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Input in = random_input(c, 1, 1);
    in.logits.f32()[c.shape.experts - 1] = NAN;
    Values scores(DType::kF32, c.shape.experts), weights(DType::kF32, c.shape.top_k);
    std::vector<int32_t> chosen(c.shape.top_k);
    router_forward(c.shape, 1, in.logits.f32(), nullptr, scores.f32(), chosen.data(), weights.f32());
    bool seen = false;
    for (int64_t k = 0; k < c.shape.top_k; ++k) seen |= std::isnan(weights[k]);
    EXPECT_TRUE(seen);
    std::sort(chosen.begin(), chosen.end());
    EXPECT_TRUE(std::adjacent_find(chosen.begin(), chosen.end()) == chosen.end() && chosen.front() >= 0 && chosen.back() < c.shape.experts);
  }
}

TEST(BalanceLoss, IsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (int64_t rows : {0, 1, 150}) {
      SCOPED_TRACE(c.name);
      const int64_t experts = c.shape.experts, top_k = c.shape.top_k;
      Input in = random_input(c, rows, 1);
      Values scores(DType::kF32, rows * experts), weights(DType::kF32, rows * top_k);
      std::vector<int32_t> chosen(rows * top_k);
      router_forward(c.shape, rows, in.logits.f32(), nullptr, scores.f32(), chosen.data(), weights.f32());
      const Values d0 = Values::random(DType::kF32, rows * experts, 2);
      std::optional<double> loss;
      const Outputs out = same_everywhere([&] {
        Values d = d0;
        const double got = balance_loss(experts, top_k, rows, scores.f32(), 0.01f, d.f32());
        if (!loss) loss = got;
        EXPECT_EQ(got, *loss);
        EXPECT_EQ(got, balance_loss(experts, top_k, rows, scores.f32(), 0.01f, nullptr));
        return Outputs{d};
      });
      std::vector<double> d = d0.numbers();
      const double want = rows ? balance_loss_ref<double>(experts, top_k, rows, scores.numbers().data(), double(0.01f), d.data()) : 0;
      EXPECT_NEAR(*loss, want, 0x1p-24 * (8 + double(experts) / 16) * want);
      expect_close(out[0], d, 4 * largest(d) + 1, "d_scores");
    }
}

TEST(BalanceLoss, ReferenceGradientIsExactAndEvenLoadCostsAlpha) {
  const int64_t experts = 6, top_k = 2, rows = 5;
  std::vector<double> s;
  for (double x : Values::random(DType::kF32, rows * experts, 1).numbers()) s.push_back(1 / (1 + std::exp(-x)));
  std::vector<double> d(rows * experts);
  balance_loss_ref(experts, top_k, rows, s.data(), 0.3, d.data());
  using C = std::complex<double>;
  expect_gradient(s, d, [&](const std::vector<C>& z) { return balance_loss_ref<C>(experts, top_k, rows, z.data(), 0.3, nullptr); }, "d_scores");
  // One expert a row, each once: f = 1 for all, P sums to 1.
  Values even(DType::kF32, 16, 0.1f);
  for (int i = 0; i < 4; ++i) even.f32()[i * 4 + i] = 0.7f;
  EXPECT_NEAR(balance_loss(4, 1, 4, even.f32(), 0.5f, nullptr), 0.5, 1e-6);
}

}  // namespace
}  // namespace minke::rows
