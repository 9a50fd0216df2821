#include "kernels/embedding/embedding.h"

#include "kernels/embedding/embedding_ref.h"
#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

struct Case {
  int64_t rows, n, vocab;
};
const std::vector<Case> kCases = {{0, 4, 3}, {1, 1, 1}, {50, 17, 5}, {200, 64, 40}, {130, 300, 7}};

std::vector<int32_t> random_ids(const Case& c) {
  std::vector<int32_t> ids;
  Rng rng(9);
  for (int64_t row = 0; row < c.rows; ++row) ids.push_back(int32_t(rng.below(uint64_t(c.vocab))));
  return ids;
}

TEST(Embedding, ForwardCopiesTheRows) {
  for (const Case& c : kCases)
    for (DType dtype : kDTypes) {
      const std::vector<int32_t> ids = random_ids(c);
      Values table = Values::random(dtype, c.vocab * c.n, 1);
      const Outputs out = same_everywhere([&] {
        Values x(DType::kF32, c.rows * c.n);
        embedding_forward(dtype, c.rows, c.n, ids.data(), table.data(), x.f32());
        return Outputs{x};
      });
      std::vector<double> want(c.rows * c.n);
      embedding_forward_ref(c.rows, c.n, ids.data(), table.numbers().data(), want.data());
      EXPECT_EQ(out[0].numbers(), want);
    }
}

TEST(Embedding, BackwardAddsInRowOrder) {
  for (const Case& c : kCases) {
    const std::vector<int32_t> ids = random_ids(c);
    const Values dy = Values::random(DType::kF32, c.rows * c.n, 1), d0 = Values::random(DType::kF32, c.vocab * c.n, 2);
    const Outputs out = same_everywhere([&] {
      Values d = d0;
      embedding_backward(c.rows, c.n, ids.data(), dy.f32(), d.f32());
      return Outputs{d};
    });
    // The reference in float adds in row order too: the same bits.
    Values want = d0;
    embedding_backward_ref(c.rows, c.n, ids.data(), dy.f32(), want.f32());
    EXPECT_TRUE(out[0] == want) << c.rows << " rows";
  }
}

TEST(Embedding, ReferenceGradientIsExact) {
  const Case c = {6, 3, 4};
  const std::vector<int32_t> ids = random_ids(c);
  const std::vector<double> table = Values::random(DType::kF32, c.vocab * c.n, 1).numbers(), dy = Values::random(DType::kF32, c.rows * c.n, 2).numbers();
  std::vector<double> d(c.vocab * c.n);
  embedding_backward_ref(c.rows, c.n, ids.data(), dy.data(), d.data());
  using C = std::complex<double>;
  expect_gradient(table, d, [&](const std::vector<C>& z) {
    std::vector<C> out(c.rows * c.n);
    embedding_forward_ref(c.rows, c.n, ids.data(), z.data(), out.data());
    return weighted(dy, out);
  }, "d_table");
}

}  // namespace
}  // namespace minke::rows
