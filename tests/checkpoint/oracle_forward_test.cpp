// The whole model against recorded references: logits, MTP logits and chosen experts, every variant this machine has.
#include <algorithm>

#include "checkpoint/oracle.h"
#include "kernels/router/router.h"

namespace minke {
namespace {

struct Pass {
  std::vector<int32_t> ids;
  Arena arena;
  ForwardSaved saved;
  View logits;
  std::vector<View> mtp;

  Pass(Transformer& model, std::vector<int32_t> tokens) : ids(std::move(tokens)) {
    Rows rows;
    rows.add(int64_t(ids.size()), 0);
    model.forward(rows, ids.data(), saved, arena, {}, true);
    logits = take(arena, DType::kF32, rows.count(), model.config().vocab_size);
    model.logits(saved.x, logits);
    mtp = model.mtp_logits(ids, saved, rows, arena);
  }
};

class OracleForward : public testing::TestWithParam<std::string> {};

TEST_P(OracleForward, Float32LogitsAndExperts) {
  const std::string folder = oracle_folder(GetParam());
  const SafetensorsFile expected(folder + "/expected.safetensors");
  const auto ids = oracle_values<int32_t>(expected, "ids");
  const auto logits = oracle_values<float>(expected, "logits");
  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    const auto model = load_model(folder, "f32", WeightUse::kInference);
    const size_t vocab = size_t(model->config().vocab_size);
    for (const size_t length : {size_t(1), size_t(2), size_t(37), ids.size()}) {
      Pass pass(*model, {ids.begin(), ids.begin() + int64_t(length)});
      EXPECT_LE(largest_difference(pass.logits.f32(), logits.data(), length * vocab), 1e-4) << "length " << length;
      for (size_t k = 0; k < pass.mtp.size(); ++k) {
        const auto mtp = oracle_values<float>(expected, fmt::format("mtp_logits.{}", k + 1));
        EXPECT_LE(largest_difference(pass.mtp[k].f32(), mtp.data(), (length - k - 1) * vocab), 1e-4) << "MTP " << k + 1;
      }
      for (int64_t l = 0; l < model->layers(); ++l) {
        if (!model->block(l).is_moe) continue;
        const auto experts = oracle_values<int32_t>(expected, fmt::format("experts.{}", l));
        const size_t top_k = size_t(model->config().num_experts_per_tok);
        for (size_t t = 0; t < length; ++t) {
          const int32_t* row = pass.saved.blocks[size_t(l)].moe.chosen + t * top_k;
          std::vector<int32_t> chosen(row, row + top_k);
          std::sort(chosen.begin(), chosen.end());
          EXPECT_TRUE(std::equal(chosen.begin(), chosen.end(), experts.begin() + int64_t(t * top_k))) << "layer " << l << " token " << t;
        }
      }
    }
  }
  force_isa(before);
}

INSTANTIATE_TEST_SUITE_P(Models, OracleForward, testing::ValuesIn(oracle_models()), [](const auto& p) {
  std::string name = p.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace minke
