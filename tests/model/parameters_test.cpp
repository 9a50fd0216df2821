#include "model/parameters.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace minke {
namespace {

ModelConfig load(const char* name) { return ModelConfig::load(std::string(MINKE_SOURCE_DIR "/configs/") + name); }

TEST(Parameters, DeepseekV3CountsAsPublished) {
  const ModelConfig c = load("v3.toml");
  const ParameterCounts n = count_parameters(c);
  EXPECT_EQ(n.total_params, 671'026'419'200);
  EXPECT_EQ(n.mtp_params, 11'610'068'224);
  EXPECT_EQ(n.active_params, 36'625'603'584);
  EXPECT_EQ(n.kv_bytes_per_token, 70'272);
  // The released folder has 91,991 tensors, counting a scale beside each of its FP8 matrices; the weights alone are 684,489,845,504.
  const std::vector<ParameterSpec> list = parameter_list(c);
  int64_t scales = 0, elements = 0;
  for (const ParameterSpec& p : list) {
    const bool quantised = (p.kind == ParameterKind::kLinear || p.kind == ParameterKind::kExpert) && !p.name.ends_with("eh_proj.weight");
    scales += quantised;
    elements += p.elements();
  }
  EXPECT_EQ(int64_t(list.size()) + scales, 91'991);
  EXPECT_EQ(elements, 684'489'845'504);
}

TEST(Parameters, V2LiteCountsAsPublished) {
  const ModelConfig c = load("v2-lite.toml");
  const ParameterCounts n = count_parameters(c);
  EXPECT_EQ(n.total_params, 15'706'484'224);
  EXPECT_EQ(n.active_params, 2'661'150'208 - c.vocab_size * c.hidden_size);
  EXPECT_EQ(n.mtp_params, 0);
  EXPECT_EQ(n.stored_tensors, 5'291);
  EXPECT_EQ(n.stored_bytes, 2 * n.total_params);
}

TEST(Parameters, SmallConfigsHaveTheirSizes) {
  const struct {
    const char* name;
    double total_lo, total_hi, active_lo, active_hi;
  } rows[] = {{"nano.toml", 0.2e6, 0.9e6, 0.1e6, 0.6e6}, {"tiny.toml", 4e6, 6e6, 1.2e6, 2.0e6}, {"small.toml", 85e6, 115e6, 15e6, 25e6}};
  for (const auto& row : rows) {
    const ParameterCounts n = count_parameters(load(row.name));
    EXPECT_GT(n.total_params, row.total_lo) << row.name;
    EXPECT_LT(n.total_params, row.total_hi) << row.name;
    EXPECT_GT(n.active_params, row.active_lo) << row.name;
    EXPECT_LT(n.active_params, row.active_hi) << row.name;
    EXPECT_GT(n.mtp_params, 0) << row.name;
  }
}

TEST(Parameters, NamesShapesAndRules) {
  const ModelConfig c = load("nano.toml");
  std::map<std::string, ParameterSpec> by_name;
  for (const ParameterSpec& p : parameter_list(c)) EXPECT_TRUE(by_name.emplace(p.name, p).second) << p.name << " twice";
  const auto at = [&](const std::string& name) {
    const auto it = by_name.find(name);
    EXPECT_NE(it, by_name.end()) << name;
    return it == by_name.end() ? ParameterSpec{} : it->second;
  };
  using Shape = std::vector<int64_t>;
  const std::string mtp = "model.layers." + std::to_string(c.num_hidden_layers) + ".";

  EXPECT_EQ(at("model.layers.0.self_attn.kv_b_proj.weight").shape,
            (Shape{c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank}));
  EXPECT_EQ(at("model.layers.0.mlp.down_proj.weight").shape, (Shape{c.hidden_size, c.intermediate_size}));
  EXPECT_FALSE(by_name.count("model.layers.0.mlp.gate.weight"));

  const ParameterSpec expert = at("model.layers.1.mlp.experts.7.down_proj.weight");
  EXPECT_EQ(expert.shape, (Shape{c.hidden_size, c.moe_intermediate_size}));
  EXPECT_EQ(expert.expert, 7);
  EXPECT_EQ(expert.layer, 1);
  EXPECT_TRUE(expert.decays());

  const ParameterSpec bias = at("model.layers.1.mlp.gate.e_score_correction_bias");
  EXPECT_FALSE(bias.trained());
  EXPECT_FALSE(bias.decays());
  EXPECT_EQ(bias.stored_dtype(DType::kBF16), DType::kF32);

  const ParameterSpec norm = at("model.norm.weight");
  EXPECT_TRUE(norm.trained());
  EXPECT_FALSE(norm.decays());
  EXPECT_TRUE(at("lm_head.weight").decays());
  EXPECT_TRUE(at("model.embed_tokens.weight").decays());

  EXPECT_EQ(at(mtp + "eh_proj.weight").shape, (Shape{c.hidden_size, 2 * c.hidden_size}));
  EXPECT_TRUE(at(mtp + "mlp.gate.weight").mtp);
  const ParameterSpec copy = at(mtp + "shared_head.head.weight");
  EXPECT_EQ(copy.copy_of, "lm_head.weight");
  EXPECT_FALSE(copy.trained());
  EXPECT_EQ(at(mtp + "embed_tokens.weight").copy_of, "model.embed_tokens.weight");
}

TEST(Parameters, FeaturesFollowTheConfig) {
  ModelConfig c = load("nano.toml");
  const auto names = [&] {
    std::set<std::string> out;
    for (const ParameterSpec& p : parameter_list(c)) out.insert(p.name);
    return out;
  };
  c.q_lora_rank = 0;
  EXPECT_TRUE(names().count("model.layers.2.self_attn.q_proj.weight"));
  EXPECT_FALSE(names().count("model.layers.2.self_attn.q_a_proj.weight"));
  c.topk_method = TopkMethod::kGreedy;
  EXPECT_FALSE(names().count("model.layers.1.mlp.gate.e_score_correction_bias"));
  c.n_shared_experts = 0;
  EXPECT_FALSE(names().count("model.layers.1.mlp.shared_experts.up_proj.weight"));
  c.n_routed_experts = 0;
  EXPECT_TRUE(names().count("model.layers.1.mlp.up_proj.weight"));
  EXPECT_FALSE(names().count("model.layers.1.mlp.gate.weight"));
}

}  // namespace
}  // namespace minke
