// Twelve optimizer steps against PyTorch: AdamW, clipping, decay, MTP and balance losses, the routers' biases, in f32.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/oracle.h"
#include "train/step.h"

namespace minke {
namespace {

double at(const nlohmann::json& value, size_t step) { return value.is_array() ? value.at(step).get<double>() : value.get<double>(); }

// sequences [B, L + 1]
TrainBatch batch_of(const int32_t* tokens, int64_t B, int64_t L) { return {{tokens, size_t(B * (L + 1))}, std::vector<int64_t>(size_t(B), L), {}, {}}; }

class OracleSteps : public testing::TestWithParam<std::string> {};

TEST_P(OracleSteps, LossCurve) {
  const std::string folder = oracle_folder(GetParam());
  const SafetensorsFile file(folder + "/steps.safetensors");
  const auto tokens = oracle_values<int32_t>(file, "tokens");
  const auto shape = file.find("tokens")->shape;
  const auto json = nlohmann::json::parse(read_file(folder + "/steps.json"));
  const auto& recipe = json.at("recipe");
  const auto& curve = json.at("curve");

  TrainOptions o;
  o.batch_sequences = shape[1];
  o.sequence_length = shape[2] - 1;
  o.precision = o.moments = "f32";
  o.balance_alpha = recipe.at("alpha");
  o.weight_decay = recipe.at("weight_decay");
  o.beta1 = recipe.at("beta1");
  o.beta2 = recipe.at("beta2");
  o.eps = recipe.at("eps");
  o.clip = recipe.at("clip");
  for (const int64_t micro : {int64_t(0), int64_t(1)}) {  // whole batches, then gradients accumulated sequence by sequence
    o.micro_batch_sequences = micro;
    const auto model = load_model(folder, "f32", WeightUse::kTraining);
    TrainStep step(*model, o, false);
    Progress progress;
    for (size_t s = 0; s < size_t(shape[0]); ++s) {
      SCOPED_TRACE(fmt::format("step {} micro-batch {}", s + 1, micro));
      const StepValues values{at(recipe.at("lr"), s), at(recipe.at("gamma"), s), at(recipe.at("mtp_weight"), s)};
      const StepReport r = step.run(batch_of(tokens.data() + s * size_t(shape[1] * shape[2]), shape[1], shape[2] - 1), values, progress);
      EXPECT_NEAR(r.losses.main, curve.at("loss")[s].get<double>(), 1e-4);
      for (size_t k = 0; k < r.losses.mtp.size(); ++k) EXPECT_NEAR(r.losses.mtp[k], curve.at("mtp_loss")[s][k].get<double>(), 1e-4);
      EXPECT_NEAR(r.losses.balance, curve.at("balance")[s].get<double>() * o.balance_alpha, 1e-4);
      EXPECT_NEAR(r.grad_norm, curve.at("grad_norm")[s].get<double>(), 1e-3);
      for (size_t l = 0; l < r.max_vio.size(); ++l) EXPECT_NEAR(r.max_vio[l], curve.at("max_vio")[s][l].get<double>(), 1e-5);
    }
    EXPECT_EQ(progress.updates, shape[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, OracleSteps, testing::Values("v3", "v3-odd"), [](const auto& p) { return p.param == "v3" ? "v3" : "v3_odd"; });

// A gradient that is not finite skips the step, names the parameter and changes no weight.
TEST(TrainStep, SkipsWhatIsNotFinite) {
  const std::string folder = oracle_folder("v3");
  const auto model = load_model(folder, "f32", WeightUse::kTraining);
  const SafetensorsFile file(folder + "/steps.safetensors");
  const auto tokens = oracle_values<int32_t>(file, "tokens");
  TrainOptions o;
  o.batch_sequences = 4;
  o.sequence_length = 24;
  o.precision = o.moments = "f32";
  TrainStep step(*model, o, false);
  float* norm = model->weights().master("model.norm.weight");
  const float good = norm[0];
  norm[0] = NAN;
  model->weights().refresh();
  const std::vector<float> before(model->weights().masters(), model->weights().masters() + model->weights().flat_size());
  Progress progress;
  const StepReport r = step.run(batch_of(tokens.data(), 4, 24), {1e-3, 0.1, 0.3}, progress);
  EXPECT_TRUE(r.skipped);
  EXPECT_NE(r.why.find("not finite"), std::string::npos);
  EXPECT_EQ(std::memcmp(before.data(), model->weights().masters(), before.size() * 4), 0);
  EXPECT_EQ(progress.skipped_in_a_row, 1);
  norm[0] = good;
  model->weights().refresh();
  EXPECT_FALSE(step.run(batch_of(tokens.data(), 4, 24), {1e-3, 0.1, 0.3}, progress).skipped);
  EXPECT_EQ(progress.skipped_in_a_row, 0);
}

}  // namespace
}  // namespace minke
