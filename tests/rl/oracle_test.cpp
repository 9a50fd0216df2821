// A GRPO update of a tiny model against PyTorch (tests/data/oracle/grpo, tools/oracle/make_grpo.py): advantages, loss, what is logged
// and every parameter's gradient, in f32, on every variant this machine has.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "checkpoint/oracle.h"
#include "rl/policy_step.h"

namespace minke {
namespace {

using Json = nlohmann::json;

GrpoOptions options_of(const std::string& name, const Json& settings, int64_t max_tokens) {
  const bool preset = name == "r1" || name == "drgrpo" || name == "dapo";
  GrpoOptions o = preset ? grpo_preset(name) : GrpoOptions{};
  o.max_tokens = max_tokens;
  o.overlong_tokens = settings.value("overlong_tokens", int64_t(0));
  if (preset) return o;  // the preset's own numbers are part of what is tested
  const std::string kl = settings.at("kl"), normalise = settings.at("normalise");
  o.kl = kl == "k1" ? KlEstimator::kK1 : KlEstimator::kK2;
  o.beta = settings.at("beta");
  o.clip_low = settings.at("clip_low");
  o.clip_high = settings.at("clip_high");
  o.clip_dual = settings.value("clip_dual", 0.0);
  o.normalisation = normalise == "token" ? Normalisation::kToken : Normalisation::kConstant;
  o.divide_by_std = settings.at("std");
  return o;
}

std::vector<PolicySample> samples_of(const Json& groups, const GrpoOptions& o, const Json& expected_advantages) {
  std::vector<PolicySample> out;
  for (size_t g = 0; g < groups.size(); ++g) {
    std::vector<double> rewards;
    for (const Json& s : groups[g]) rewards.push_back(s.at("reward").get<double>() + overlong_penalty(o, int64_t(s.at("ids").size())));
    const GroupAdvantages advantages = group_advantages(rewards, o.divide_by_std);
    for (size_t i = 0; i < groups[g].size(); ++i) {
      const Json& s = groups[g][i];
      PolicySample p;
      p.ids = s.at("prompt").get<std::vector<int32_t>>();
      p.prompt = int64_t(p.ids.size());
      for (const int32_t id : s.at("ids").get<std::vector<int32_t>>()) p.ids.push_back(id);
      p.old_logp = s.at("old_logp").get<std::vector<float>>();
      p.ref_logp = s.at("ref_logp").get<std::vector<float>>();
      p.forced = s.at("forced").get<std::vector<uint8_t>>();
      p.advantage = advantages.values[i];
      EXPECT_NEAR(p.advantage, expected_advantages[g][i].get<double>(), 1e-12);
      out.push_back(std::move(p));
    }
  }
  return out;
}

class GrpoOracle : public testing::TestWithParam<std::string> {};

TEST_P(GrpoOracle, LossAndEveryGradient) {
  const std::string folder = oracle_folder("grpo");
  const Json file = Json::parse(read_file(folder + "/rollouts.json")), &expected = file.at("presets").at(GetParam());
  const SafetensorsFile grads(folder + "/grads.safetensors");
  PolicyStepOptions o;
  o.grpo = options_of(GetParam(), expected.at("settings"), file.at("max_tokens"));
  o.rows_per_pass = 64;  // several passes
  const std::vector<PolicySample> samples = samples_of(file.at("groups"), o.grpo, expected.at("advantages"));

  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    const auto model = load_model(oracle_folder(file.at("model")), "f32", WeightUse::kTraining);
    PolicyStep step(*model, o);
    const UpdateReport got = step.gradients(samples);
    const double loss = expected.at("loss");
    EXPECT_NEAR(got.policy.loss, loss, 1e-4 * std::abs(loss));
    int64_t tokens = 0;  // without a KL term, groups without variance are not even run
    for (const PolicySample& s : samples) tokens += s.advantage != 0 || o.grpo.wants_reference() ? s.counted() : 0;
    EXPECT_EQ(got.policy.tokens, tokens);
    if (tokens == expected.at("tokens").get<int64_t>()) {
      EXPECT_EQ(got.policy.clipped_low, expected.at("clipped_low").get<int64_t>());
      EXPECT_EQ(got.policy.clipped_high, expected.at("clipped_high").get<int64_t>());
      EXPECT_NEAR(got.policy.ratio_min, expected.at("ratio_min").get<double>(), 1e-4);
      EXPECT_NEAR(got.policy.ratio_max, expected.at("ratio_max").get<double>(), 1e-4);
      const double kl = expected.at("kl");
      EXPECT_NEAR(got.policy.kl_sum / double(got.policy.tokens), kl, 1e-4 * std::abs(kl));
    }
    int64_t compared = 0;
    const Weights& w = model->weights();
    for (size_t i = 0; i < w.specs().size(); ++i) {
      const ParameterSpec& spec = w.specs()[i];
      const std::string name = GetParam() + "/" + spec.name;
      if (!spec.trained() || !grads.find(name)) continue;
      ++compared;
      const auto wanted = oracle_values<float>(grads, name);
      const float* g = w.gradients() + w.offset(i);
      double difference = 0, norm = 0;
      for (size_t j = 0; j < wanted.size(); ++j) {
        difference += std::pow(double(g[j]) - double(wanted[j]), 2);
        norm += std::pow(double(wanted[j]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-4 * std::sqrt(norm) + 1e-9) << spec.name;
    }
    EXPECT_EQ(compared, GetParam()[0] == 'k' ? 4 : int64_t(std::count_if(w.specs().begin(), w.specs().end(), [](const auto& s) { return s.trained(); })));
  }
  force_isa(before);
}

INSTANTIATE_TEST_SUITE_P(Presets, GrpoOracle, testing::Values("r1", "drgrpo", "dapo", "k1", "k2"));

}  // namespace
}  // namespace minke
