// Losses and every parameter's gradient against PyTorch autograd, in f32, every variant this machine has.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/oracle.h"

namespace minke {
namespace {

class OracleBackward : public testing::TestWithParam<std::string> {};

TEST_P(OracleBackward, EveryGradient) {
  const std::string folder = oracle_folder(GetParam());
  const SafetensorsFile grads(folder + "/grads.safetensors");
  const auto tokens = oracle_values<int32_t>(grads, "tokens");
  const auto loss = nlohmann::json::parse(read_file(folder + "/loss.json"));
  const int64_t B = grads.find("tokens")->shape[0], L = grads.find("tokens")->shape[1] - 1;
  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    const auto model = load_model(folder, "f32", WeightUse::kTraining);
    LossOptions options;
    options.mtp_lambda = loss.at("mtp_weight");
    options.balance_alpha = loss.at("alpha");
    const StepLosses got = model->train({tokens, std::vector<int64_t>(size_t(B), L), {}, {}}, options, double(B * L), B);
    EXPECT_NEAR(got.main, loss.at("main").get<double>(), 1e-5);
    EXPECT_NEAR(got.balance, loss.at("balance").get<double>() * options.balance_alpha, 1e-5);
    ASSERT_EQ(got.mtp.size(), loss.at("mtp").size());
    for (size_t k = 0; k < got.mtp.size(); ++k) EXPECT_NEAR(got.mtp[k], loss.at("mtp")[k].get<double>(), 1e-5);

    const Weights& w = model->weights();
    for (size_t i = 0; i < w.specs().size(); ++i) {
      const ParameterSpec& spec = w.specs()[i];
      if (!spec.trained()) continue;
      const auto expected = oracle_values<float>(grads, spec.name);
      const float* g = w.gradients() + w.offset(i);
      double difference = 0, norm = 0;
      for (size_t j = 0; j < expected.size(); ++j) {
        difference += std::pow(double(g[j]) - expected[j], 2);
        norm += std::pow(double(expected[j]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-4 * std::sqrt(norm) + 1e-9) << spec.name;
    }
  }
  force_isa(before);
}

INSTANTIATE_TEST_SUITE_P(Models, OracleBackward,
                         testing::Values("v3", "v3-odd", "v3-no-q-lora", "v3-half-split", "v3-pre-norm", "v2-lite", "v2-normalised"),
                         [](const auto& p) {
                           std::string name = p.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace minke
