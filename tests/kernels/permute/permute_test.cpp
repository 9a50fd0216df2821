#include "kernels/permute/permute.h"

#include "kernels/permute/permute_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

struct Case {
  int64_t rows, top_k, experts, n;
};
const std::vector<Case> kCases = {{0, 2, 4, 8}, {1, 1, 1, 1}, {7, 3, 5, 17}, {40, 2, 16, 64}, {33, 8, 64, 100}, {130, 2, 16, 256}};

// top_k different experts a row
std::vector<int32_t> choices(const Case& c) {
  std::vector<int32_t> out;
  Rng rng(11);
  for (int64_t row = 0; row < c.rows; ++row) {
    const uint64_t first = rng.below(uint64_t(c.experts));
    for (int64_t k = 0; k < c.top_k; ++k) out.push_back(int32_t((int64_t(first) + k * k) % c.experts));
  }
  return out;
}

TEST(Permute, ThePlanIsAStableSortByExpert) {
  for (const Case& c : kCases) {
    const std::vector<int32_t> chosen = choices(c);
    ExpertPlan plan;
    plan_experts(c.rows, c.top_k, c.experts, chosen.data(), plan);
    const int64_t slots = c.rows * c.top_k;
    ASSERT_EQ(int64_t(plan.source.size()), slots);
    ASSERT_EQ(plan.offsets.front(), 0);
    ASSERT_EQ(plan.offsets.back(), slots);
    for (int64_t e = 0; e < c.experts; ++e)
      for (int64_t at = plan.offsets[e]; at < plan.offsets[e + 1]; ++at) {
        ASSERT_EQ(chosen[plan.source[at]], e);
        ASSERT_EQ(plan.place[plan.source[at]], at);
        ASSERT_TRUE(at == plan.offsets[e] || plan.source[at - 1] < plan.source[at]);
      }
  }
}

TEST(Permute, EveryDirectionIsTheReferenceEverywhere) {
  for (const Case& c : kCases)
    for (DType dtype : kDTypes) {
      const std::vector<int32_t> chosen = choices(c);
      ExpertPlan plan;
      plan_experts(c.rows, c.top_k, c.experts, chosen.data(), plan);
      const int64_t slots = c.rows * c.top_k;
      Values x = Values::random(dtype, c.rows * c.n, 1), parts = Values::random(dtype, slots * c.n, 2), weights = Values::random(DType::kF32, slots, 3);
      Values dy = Values::random(DType::kF32, c.rows * c.n, 4);
      const Values y0 = Values::random(DType::kF32, c.rows * c.n, 5);
      const Outputs out = same_everywhere([&] {
        Values permuted(dtype, slots * c.n), dx = y0, y = y0, d_parts(dtype, slots * c.n), d_weights(DType::kF32, slots);
        permute_rows(dtype, plan, c.top_k, c.n, x.data(), permuted.data());
        permute_rows_backward(dtype, plan, c.rows, c.top_k, c.n, parts.data(), dx.f32());
        combine_rows(dtype, plan, c.rows, c.top_k, c.n, parts.data(), weights.f32(), y.f32());
        combine_rows_backward(dtype, plan, c.rows, c.top_k, c.n, dy.f32(), parts.data(), weights.f32(), d_parts.data(), d_weights.f32());
        return Outputs{permuted, dx, y, d_parts, d_weights};
      });
      std::vector<double> permuted(slots * c.n), dx = y0.numbers(), y = dx, d_parts(slots * c.n), d_weights(slots);
      const int32_t* place = plan.place.data();
      permute_rows_ref(c.rows, c.top_k, c.n, place, x.numbers().data(), permuted.data());
      permute_rows_backward_ref(c.rows, c.top_k, c.n, place, parts.numbers().data(), dx.data());
      combine_rows_ref(c.rows, c.top_k, c.n, place, parts.numbers().data(), weights.numbers().data(), y.data());
      combine_rows_backward_ref(c.rows, c.top_k, c.n, place, dy.numbers().data(), parts.numbers().data(), weights.numbers().data(), d_parts.data(),
                                d_weights.data());
      const double part = largest(parts.numbers()), w = largest(weights.numbers()), d = largest(dy.numbers());
      expect_close(out[0], permuted, 0, "permuted");
      expect_close(out[1], dx, double(c.top_k + 1) * (double(c.top_k) * part + largest(y0.numbers())), "dx");
      expect_close(out[2], y, double(c.top_k + 2) * (double(c.top_k) * part * w + largest(y0.numbers())), "y");
      expect_close(out[3], d_parts, 0, "d_expert_out");
      expect_close(out[4], d_weights, (5 + double(c.n) / 16) * std::sqrt(double(c.n)) * part * d, "d_weights");
    }
}

// A row's output does not depend on who else goes to its experts.
TEST(Permute, ARowAloneIsTheRowInABatch) {
  const Case c = {50, 3, 8, 37};
  const std::vector<int32_t> chosen = choices(c);
  ExpertPlan plan;
  plan_experts(c.rows, c.top_k, c.experts, chosen.data(), plan);
  for (DType dtype : kDTypes) {
    Values x = Values::random(dtype, c.rows * c.n, 1), weights = Values::random(DType::kF32, c.rows * c.top_k, 3);
    Values dy = Values::random(DType::kF32, c.rows * c.n, 4);
    const auto run = [&](const ExpertPlan& p, int64_t first, int64_t rows) {
      Values permuted(dtype, rows * c.top_k * c.n), y(DType::kF32, rows * c.n), d_parts = permuted, d_weights(DType::kF32, rows * c.top_k);
      Values dx(DType::kF32, rows * c.n);
      permute_rows(dtype, p, c.top_k, c.n, x.at(first * c.n), permuted.data());
      combine_rows(dtype, p, rows, c.top_k, c.n, permuted.data(), weights.f32() + first * c.top_k, y.f32());
      combine_rows_backward(dtype, p, rows, c.top_k, c.n, dy.f32() + first * c.n, permuted.data(), weights.f32() + first * c.top_k, d_parts.data(),
                            d_weights.f32());
      permute_rows_backward(dtype, p, rows, c.top_k, c.n, d_parts.data(), dx.f32());
      return Outputs{y, d_weights, dx};
    };
    const Outputs batch = run(plan, 0, c.rows);
    for (int64_t row = 0; row < c.rows; ++row) {
      ExpertPlan one;
      plan_experts(1, c.top_k, c.experts, chosen.data() + row * c.top_k, one);
      const Outputs alone = run(one, row, 1);
      ASSERT_TRUE(alone[0] == batch[0].slice(row * c.n, c.n) && alone[1] == batch[1].slice(row * c.top_k, c.top_k) &&
                  alone[2] == batch[2].slice(row * c.n, c.n))
          << "row " << row;
    }
  }
}

TEST(Permute, ReferenceGradientsAreExact) {
  const Case c = {3, 2, 4, 3};
  const std::vector<int32_t> chosen = choices(c);
  ExpertPlan plan;
  plan_experts(c.rows, c.top_k, c.experts, chosen.data(), plan);
  const int64_t slots = c.rows * c.top_k;
  const std::vector<double> x = Values::random(DType::kF32, c.rows * c.n, 1).numbers(), w = Values::random(DType::kF32, slots, 2).numbers(),
                            dy = Values::random(DType::kF32, c.rows * c.n, 3).numbers();
  using C = std::complex<double>;
  const auto loss = [&](const std::vector<C>& zx, const std::vector<C>& zw) {
    std::vector<C> permuted(slots * c.n), y(c.rows * c.n);
    permute_rows_ref(c.rows, c.top_k, c.n, plan.place.data(), zx.data(), permuted.data());
    combine_rows_ref(c.rows, c.top_k, c.n, plan.place.data(), permuted.data(), zw.data(), y.data());
    return weighted(dy, y);
  };
  std::vector<double> permuted(slots * c.n), d_parts(slots * c.n), dw(slots), dx(c.rows * c.n);
  permute_rows_ref(c.rows, c.top_k, c.n, plan.place.data(), x.data(), permuted.data());
  combine_rows_backward_ref(c.rows, c.top_k, c.n, plan.place.data(), dy.data(), permuted.data(), w.data(), d_parts.data(), dw.data());
  permute_rows_backward_ref(c.rows, c.top_k, c.n, plan.place.data(), d_parts.data(), dx.data());
  expect_gradient(x, dx, [&](const std::vector<C>& z) { return loss(z, {w.begin(), w.end()}); }, "dx");
  expect_gradient(w, dw, [&](const std::vector<C>& z) { return loss({x.begin(), x.end()}, z); }, "d_weights");
}

}  // namespace
}  // namespace minke::rows
