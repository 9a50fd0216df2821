// BF16 compute against the same recordings: the error after each layer is what BF16 rounding explains, routing compared apart.
#include <algorithm>

#include "checkpoint/oracle.h"

namespace minke {
namespace {

// Values pass about this many BF16 roundings in a row between two residual additions: norm, projections, probabilities, SwiGLU.
constexpr double kRoundings = 10, kHalfUlp = 1.0 / 512;

class OracleBf16 : public testing::TestWithParam<std::string> {};

TEST_P(OracleBf16, ErrorGrowsByRoundingAlone) {
  const std::string folder = oracle_folder(GetParam());
  const SafetensorsFile expected(folder + "/expected.safetensors");
  const auto ids = oracle_values<int32_t>(expected, "ids");
  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    const auto model = load_model(folder, "bf16", WeightUse::kInference);
    const size_t rows_n = ids.size(), d = size_t(model->config().hidden_size), top_k = size_t(model->config().num_experts_per_tok);
    Rows rows;
    rows.add(int64_t(rows_n), 0);
    Arena arena;
    ForwardSaved saved;
    model->forward(rows, ids.data(), saved, arena, {}, true);

    // Attention is causal: rows before the first one that ever chose another expert have not heard of it.
    size_t clean = rows_n, moe_layers = 0;
    for (int64_t l = 0; l < model->layers(); ++l) {
      if (model->block(l).is_moe) {
        const auto experts = oracle_values<int32_t>(expected, fmt::format("experts.{}", l));
        size_t flips = 0, first = rows_n;
        for (size_t t = rows_n; t-- > 0;) {
          const int32_t* row = saved.blocks[size_t(l)].moe.chosen + t * top_k;
          std::vector<int32_t> chosen(row, row + top_k);
          std::sort(chosen.begin(), chosen.end());
          if (std::equal(chosen.begin(), chosen.end(), experts.begin() + int64_t(t * top_k))) continue;
          ++flips;
          first = t;
        }
        // In the first MoE layer a choice flips only where two scores lie within their rounding; later ones inherit flips.
        if (moe_layers++ == 0) {
          EXPECT_LE(double(flips), 0.1 * double(rows_n)) << "layer " << l << ": " << flips << " of " << rows_n << " choices differ";
        }
        clean = std::min(clean, first);
      }
      const auto reference = oracle_values<float>(expected, fmt::format("hidden.{}", l));
      const View h = l + 1 < model->layers() ? saved.blocks[size_t(l + 1)].h_attn : saved.h;
      double error = 0, norm = 0;
      for (size_t t = 0; t < clean; ++t) {
        const float* x = static_cast<const float*>(h.row(int64_t(t)));
        for (size_t j = 0; j < d; ++j) {
          error += std::pow(double(x[j]) - double(reference[t * d + j]), 2);
          norm += std::pow(double(reference[t * d + j]), 2);
        }
      }
      EXPECT_LE(std::sqrt(error), kRoundings * kHalfUlp * double(l + 1) * std::sqrt(norm)) << "layer " << l << ", " << clean << " rows";
      if (l == 0) {
        EXPECT_GT(clean, 0u);
        EXPECT_GT(error, 0.0) << "BF16 that equals float64 is not BF16";
      }
    }
  }
  force_isa(before);
}

INSTANTIATE_TEST_SUITE_P(Models, OracleBf16, testing::ValuesIn(oracle_models()), [](const auto& p) {
  std::string name = p.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace minke
