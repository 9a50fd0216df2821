#include "kernels/draw/draw.h"

#include "kernels/row_testing.h"

namespace minke::rows {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Draw, WeightsAreTheReferenceEverywhere) {
  for (const int64_t n : {1, 5, 255, 256, 257, 4096, 5001})
    for (const float temperature : {0.3f, 1.0f, 2.5f}) {
      const Values x = Values::random(DType::kF32, n, uint64_t(n), 4);
      double sum = 0;
      const Outputs out = same_everywhere([&] {
        Values w(DType::kF32, n), sums(DType::kF32, draw_chunks(n));
        const double total = draw_weights(n, x.f32(), temperature, w.f32(), sums.f32());
        EXPECT_TRUE(sum == 0 || sum == total);
        sum = total;
        return Outputs{w, sums};
      });
      const std::vector<double> logits = x.numbers();
      const double top = *std::max_element(logits.begin(), logits.end());
      std::vector<double> w, sums(size_t(draw_chunks(n)));
      for (int64_t i = 0; i < n; ++i) {
        w.push_back(std::exp((logits[size_t(i)] - top) / double(temperature)));
        sums[size_t(i / kDrawChunk)] += w.back();
      }
      // An exponent of up to 100 is rounded twice before exp; weights are at most 1, sums add them in trees of 256.
      expect_close(out[0], w, 300, "weights");
      expect_close(out[1], sums, 300 * double(kDrawChunk), "sums");
    }
}

// Every entry is drawn for the numbers that fall on its stretch, in the order of entries.
TEST(Draw, EachEntryHasItsStretch) {
  const int64_t n = 700;
  Values x = Values::random(DType::kF32, n, 3, 2), w(DType::kF32, n), sums(DType::kF32, draw_chunks(n));
  for (int64_t i = 250; i < 520; ++i) x.f32()[i] = -kInf;  // a whole chunk and more weighs nothing
  const double sum = draw_weights(n, x.f32(), 1, w.f32(), sums.f32());
  double before = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (w[i] == 0) continue;
    EXPECT_EQ(draw_at(n, w.f32(), sums.f32(), before + w[i] / 2), i);
    before += w[i];
  }
  EXPECT_NEAR(before, sum, 1e-4 * sum);
  EXPECT_EQ(draw_at(n, w.f32(), sums.f32(), 0), 0);
  EXPECT_EQ(draw_at(n, w.f32(), sums.f32(), sum), n - 1) << "past the end: the last that weighs anything";
  // A chunk whose stated sum is more than its entries' gives the rest to its last entry, not to the next chunk.
  sums.f32()[0] += 1;
  EXPECT_EQ(draw_at(n, w.f32(), sums.f32(), double(sums[0]) - 0.5), 249);
}

TEST(Draw, LargestEntry) {
  for (const Isa isa : kIsas) {
    if (!isa_supported(isa)) continue;
    force_isa(isa);
    Values x(DType::kF32, 1000, -3);
    EXPECT_EQ(largest_entry(1000, x.f32()), 0);
    x.f32()[77] = x.f32()[900] = 5;
    EXPECT_EQ(largest_entry(1000, x.f32()), 77);
    x.f32()[3] = NAN;
    x.f32()[999] = NAN;
    EXPECT_EQ(largest_entry(1000, x.f32()), 77) << "NaN is no entry";
    Values banned(DType::kF32, 20, -kInf), w(DType::kF32, 20), sums(DType::kF32, 1);
    EXPECT_EQ(largest_entry(20, banned.f32()), 0);
    EXPECT_TRUE(std::isnan(draw_weights(20, banned.f32(), 1, w.f32(), sums.f32())));
  }
  force_isa(best_isa());
}

}  // namespace
}  // namespace minke::rows
