// Both forms of the cache against the training forward: the expanded one to the bit, the latent one within rounding and to the bit
// against itself. 131 positions cross two of attention's key tiles.
#include <fmt/format.h>

#include <algorithm>

#include "base/threads.h"
#include "infer/cached_run.h"

namespace minke {
namespace {

class Cache : public testing::TestWithParam<std::tuple<std::string, const char*>> {
 protected:
  std::unique_ptr<Transformer> load() const { return load_model(oracle_folder(std::get<0>(GetParam())), std::get<1>(GetParam()), WeightUse::kInference); }
  void TearDown() override { set_thread_count(threads_); }
  const int threads_ = thread_count();
};

void expect_same_bits(const Logits& a, const Logits& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), [](float p, float q) { return std::memcmp(&p, &q, 4) == 0; });
  EXPECT_TRUE(x == a.end()) << what << ": element " << x - a.begin() << " is " << *x << " against " << *y;
}

const std::vector<std::vector<int64_t>> kChunkings = {{1}, {3}, {64}, {1000}, {64, 1, 3}};

TEST_P(Cache, ExpandedIsTheTrainingForward) {
  on_every_isa([&] {
    const auto model = load();
    const int64_t vocab = model->config().vocab_size;
    const std::vector<Ids> sequences = {random_ids(131, vocab, 1), random_ids(66, vocab, 2), random_ids(1, vocab, 3)};
    std::vector<Logits> expected;
    set_thread_count(2);
    for (const Ids& ids : sequences) expected.push_back(whole_forward(*model, ids).logits);
    int threads = 0;
    for (const auto& chunks : kChunkings) {
      set_thread_count(threads = threads % 3 + 1);
      const std::string what = fmt::format("chunks of {}, {} threads", fmt::join(chunks, ", "), threads);
      expect_same_bits(cached_forward(*model, CacheForm::kExpanded, {sequences[0]}, chunks)[0].logits, expected[0], what);
      const auto together = cached_forward(*model, CacheForm::kExpanded, sequences, chunks);
      for (size_t i = 0; i < sequences.size(); ++i) expect_same_bits(together[i].logits, expected[i], fmt::format("{}, sequence {} of 3", what, i));
    }
  });
}

TEST_P(Cache, LatentBatchesAreTheirSingles) {
  on_every_isa([&] {
    const auto model = load();
    const int64_t vocab = model->config().vocab_size;
    const std::vector<Ids> sequences = {random_ids(131, vocab, 1), random_ids(66, vocab, 2), random_ids(1, vocab, 3)};
    std::vector<Logits> expected;
    for (const Ids& ids : sequences) expected.push_back(cached_forward(*model, CacheForm::kLatent, {ids}, {1})[0].logits);
    int threads = 0;
    for (const std::vector<int64_t>& chunks : {std::vector<int64_t>{1}, {64, 1, 3}, {1000}}) {
      set_thread_count(threads = threads % 3 + 1);
      const auto together = cached_forward(*model, CacheForm::kLatent, sequences, chunks);
      for (size_t i = 0; i < sequences.size(); ++i)
        expect_same_bits(together[i].logits, expected[i], fmt::format("chunks of {}, {} threads, sequence {} of 3", fmt::join(chunks, ", "), threads, i));
    }
  });
}

// Rows of two results whose tokens chose the same experts everywhere, and the norm of their difference relative to the first's. Where
// affinities tie within rounding another expert may be chosen: that row is another computation, and is counted instead.
struct Difference {
  double relative = 0;
  int64_t rows = 0;
};

Difference difference(const PassResult& a, const PassResult& b, int64_t rows, int64_t vocab, int64_t top_k) {
  Difference out;
  double square = 0, norm = 0;
  for (int64_t t = 0; t < rows; ++t) {
    bool alike = true;
    for (size_t l = 0; l < a.experts.size(); ++l) {
      if (a.experts[l].empty()) continue;
      const auto chosen = [&](const PassResult& r) {
        std::vector<int32_t> ids(r.experts[l].begin() + t * top_k, r.experts[l].begin() + (t + 1) * top_k);
        std::sort(ids.begin(), ids.end());
        return ids;
      };
      alike = alike && chosen(a) == chosen(b);
    }
    if (!alike) continue;
    ++out.rows;
    for (int64_t v = t * vocab; v < (t + 1) * vocab; ++v) {
      const double x = a.logits[size_t(v)], y = b.logits[size_t(v)];
      square += (x - y) * (x - y);
      norm += x * x;
    }
  }
  out.relative = std::sqrt(square / norm);
  return out;
}

// The absorbed form associates its products differently: (q Wuk') c against q (Wuk c). How far that moves the logits depends on the
// model; its own sensitivity is measured first, as what rounding to bf16 does to the same forward, in units of bf16's eps.
TEST_P(Cache, LatentAgreesWithinRounding) {
  on_every_isa([&] {
    const int64_t n = 131;
    const auto f32 = load_model(oracle_folder(std::get<0>(GetParam())), "f32", WeightUse::kInference);
    const auto bf16 = load_model(oracle_folder(std::get<0>(GetParam())), "bf16", WeightUse::kInference);
    const int64_t vocab = f32->config().vocab_size, top_k = f32->config().num_experts_per_tok;
    const Ids ids = random_ids(n, vocab, 4);
    const double bf16_eps = std::ldexp(1.0, -8);
    const PassResult exact = whole_forward(*f32, ids, true), rounded = whole_forward(*bf16, ids, true);
    const Difference sensitivity = difference(exact, rounded, n, vocab, top_k);

    const bool is_f32 = std::string(std::get<1>(GetParam())) == "f32";
    const double eps = is_f32 ? std::ldexp(1.0, -23) : bf16_eps;
    Transformer& model = is_f32 ? *f32 : *bf16;
    const PassResult latent = cached_forward(model, CacheForm::kLatent, {ids}, {17}, true)[0];
    const Difference d = difference(is_f32 ? exact : rounded, latent, n, vocab, top_k);
    EXPECT_LE(d.relative, 4 * eps * std::max(1.0, sensitivity.relative / bf16_eps)) << "sensitivity " << sensitivity.relative / bf16_eps;
    EXPECT_GT(d.relative, 0) << "the absorbed form did not run";
    const int64_t changed = is_f32 ? 0 : 2 * (n - sensitivity.rows) + n / 50;
    EXPECT_GE(d.rows, n - changed) << "rows whose experts agree";
    if (std::getenv("MINKE_VERBOSE"))
      fmt::print("{}: {:.2f} eps in {} rows; to bf16 {:.2f} eps in {}\n", isa_name(chosen_isa()), d.relative / eps, d.rows,
                 sensitivity.relative / bf16_eps, sensitivity.rows);
  });
}

INSTANTIATE_TEST_SUITE_P(Models, Cache, testing::Combine(testing::ValuesIn(oracle_models()), testing::Values("f32", "bf16")), [](const auto& p) {
  std::string name = std::get<0>(p.param) + "_" + std::get<1>(p.param);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace minke
