#include "model/config.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/rng.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

// DeepSeek-V3's published config.json, the keys that matter.
const char* kV3 = R"({"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
 "vocab_size": 129280, "hidden_size": 7168, "intermediate_size": 18432, "moe_intermediate_size": 2048,
 "num_hidden_layers": 61, "num_nextn_predict_layers": 1, "num_attention_heads": 128, "num_key_value_heads": 128,
 "n_shared_experts": 1, "n_routed_experts": 256, "routed_scaling_factor": 2.5, "num_experts_per_tok": 8,
 "n_group": 8, "topk_group": 4, "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": true,
 "first_k_dense_replace": 3, "moe_layer_freq": 1,
 "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
 "hidden_act": "silu", "rms_norm_eps": 1e-06, "rope_theta": 10000, "max_position_embeddings": 163840,
 "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0},
 "attention_bias": false, "attention_dropout": 0.0, "initializer_range": 0.02, "tie_word_embeddings": false, "use_cache": true,
 "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16",
 "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}})";

std::string error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}

std::string with(const std::function<void(Json&)>& change) {
  Json j = Json::parse(kV3);
  change(j);
  return j.dump();
}

TEST(Config, ReadsThePublishedV3) {
  const ModelConfig c = ModelConfig::from_json(kV3, "config.json");
  EXPECT_EQ(c.q_lora_rank, 1536);
  EXPECT_EQ(c.layers_with_mtp(), 62);
  EXPECT_FALSE(c.is_moe_layer(2));
  EXPECT_TRUE(c.is_moe_layer(3));
  EXPECT_TRUE(c.has_router_bias());
  EXPECT_EQ(c.eos_token_id, std::vector<int64_t>{1});
  ASSERT_TRUE(c.rope_scaling.has_value());
  EXPECT_EQ(c.rope_scaling->factor, 40);
  EXPECT_EQ(c.rope_scaling->mscale_all_dim, 1);
  const ModelConfig lite = ModelConfig::load(MINKE_SOURCE_DIR "/configs/v2-lite.toml");
  EXPECT_EQ(lite.rope_scaling->mscale, 0.707);
  EXPECT_EQ(lite.scoring_func, ScoringFunc::kSoftmax);
  EXPECT_FALSE(lite.has_router_bias());
}

TEST(Config, TomlAndJsonSayTheSame) {
  ModelConfig toml = ModelConfig::load(MINKE_SOURCE_DIR "/configs/v3.toml");
  toml.initializer_range = 0.02;
  EXPECT_EQ(toml.to_json(), ModelConfig::from_json(kV3, "config.json").to_json());
}

TEST(Config, WritesWhatItReads) {
  for (const char* name : {"nano", "tiny", "small", "v2-lite", "v3"}) {
    ModelConfig c = ModelConfig::load(std::string(MINKE_SOURCE_DIR "/configs/") + name + ".toml");
    EXPECT_EQ(ModelConfig::from_json(c.to_json(), "x").to_json(), c.to_json()) << name;
    c.mtp_hidden = MtpHidden::kPreNorm;
    c.q_lora_rank = 0;
    c.eos_token_id = {1, 2};
    c.bos_token_id.reset();
    c.dtype = DType::kF32;
    EXPECT_EQ(ModelConfig::from_json(c.to_json(), "x").to_json(), c.to_json()) << name;
  }
}

TEST(Config, ReadsTheNewerRopeKeys) {
  const ModelConfig c = ModelConfig::from_json(with([](Json& j) {
                                                 j["rope_parameters"] = j["rope_scaling"];
                                                 j["rope_parameters"]["rope_type"] = "yarn";
                                                 j["rope_parameters"]["rope_theta"] = 50000.0;
                                                 j["dtype"] = "float32";
                                                 for (const char* old : {"rope_scaling", "rope_theta", "torch_dtype"}) j.erase(old);
                                               }),
                                               "config.json");
  EXPECT_EQ(c.rope_theta, 50000);
  ASSERT_TRUE(c.rope_scaling.has_value());
  EXPECT_EQ(c.rope_scaling->factor, 40);
  EXPECT_EQ(c.dtype, DType::kF32);
  const ModelConfig plain = ModelConfig::from_json(with([](Json& j) {
                                                     j["rope_scaling"] = nullptr;
                                                     j["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 500.0}};
                                                   }),
                                                   "config.json");
  EXPECT_FALSE(plain.rope_scaling.has_value());
  EXPECT_EQ(plain.rope_theta, 500);
}

TEST(Config, DenseModelNeedsNoExpertKeys) {
  const ModelConfig c = ModelConfig::from_json(with([](Json& j) {
                                                 for (const char* key : {"n_routed_experts", "num_experts_per_tok", "n_group", "topk_group",
                                                                         "moe_intermediate_size", "n_shared_experts", "first_k_dense_replace"})
                                                   j.erase(key);
                                               }),
                                               "config.json");
  EXPECT_EQ(c.n_routed_experts, 0);
  EXPECT_EQ(c.first_k_dense_replace, c.num_hidden_layers);
  EXPECT_FALSE(c.is_moe_layer(61));
}

TEST(Config, FamilyGivesTheDefaultsOfItsPublishedCode) {
  const ModelConfig c = ModelConfig::from_json(with([](Json& j) {
                                                 j["architectures"] = {"DeepseekV2ForCausalLM"};
                                                 j["model_type"] = "deepseek_v2";
                                                 for (const char* key : {"topk_method", "scoring_func", "norm_topk_prob", "routed_scaling_factor"})
                                                   j.erase(key);
                                               }),
                                               "config.json");
  EXPECT_EQ(c.topk_method, TopkMethod::kGreedy);
  EXPECT_EQ(c.scoring_func, ScoringFunc::kSoftmax);
  EXPECT_FALSE(c.norm_topk_prob);
  EXPECT_EQ(c.routed_scaling_factor, 1.0);
}

TEST(Config, RefusesBadValuesByName) {
  const struct {
    const char* key;
    Json value;
    const char* says;
  } rows[] = {
      {"vocab_size", 0, "vocab_size: expected an integer from 1"},
      {"hidden_size", "7168", "hidden_size: expected an integer"},
      {"hidden_size", 7168.0, "hidden_size: expected an integer"},
      {"hidden_size", -1, "found -1"},
      {"hidden_size", uint64_t(1) << 63, "hidden_size: expected an integer"},
      {"num_hidden_layers", nullptr, "num_hidden_layers is missing"},
      {"num_attention_heads", Json::array({1}), "found an array"},
      {"num_key_value_heads", 8, "num_attention_heads (128)"},
      {"qk_rope_head_dim", 63, "even number"},
      {"n_group", 7, "divisor of n_routed_experts"},
      {"topk_group", 9, "topk_group: expected an integer from 1 to 8"},
      {"num_experts_per_tok", 129, "at most 128"},
      {"num_experts_per_tok", 257, "num_experts_per_tok: expected an integer from 1 to 256"},
      {"first_k_dense_replace", 62, "first_k_dense_replace"},
      {"topk_method", "top_p", "expected \"noaux_tc\", \"greedy\" or \"group_limited_greedy\""},
      {"topk_method", "greedy", "goes with \"noaux_tc\""},
      {"scoring_func", "softmax", "goes with \"sigmoid\""},
      {"model_type", "llama", "model_type: expected \"deepseek_v3\" or \"deepseek_v2\", found \"llama\""},
      {"model_type", nullptr, "model_type is missing"},
      {"architectures", Json::array({"LlamaForCausalLM"}), "LlamaForCausalLM"},
      {"hidden_act", "gelu", "hidden_act: expected \"silu\", found \"gelu\""},
      {"attention_bias", true, "attention_bias: expected false"},
      {"mlp_bias", true, "mlp_bias: expected false"},
      {"tie_word_embeddings", true, "tie_word_embeddings: expected false"},
      {"moe_layer_freq", 2, "moe_layer_freq: expected 1"},
      {"rope_theta", 0, "rope_theta"},
      {"rms_norm_eps", 0, "rms_norm_eps"},
      {"norm_topk_prob", 1, "true or false"},
      {"rope_scaling", Json{{"type", "linear"}, {"factor", 2}}, "rope_scaling.type: expected \"default\" or \"yarn\""},
      {"rope_scaling", Json{{"type", "yarn"}}, "rope_scaling.factor is missing"},
      {"rope_scaling", Json{{"type", "yarn"}, {"factor", 2}, {"original_max_position_embeddings", 8}, {"short_factor", 2}}, "unknown key"},
      {"bos_token_id", 129280, "bos_token_id"},
      {"eos_token_id", Json::array({1, -1}), "eos_token_id"},
      {"eos_token_id", Json::array({1, "x"}), "eos_token_id"},
      {"torch_dtype", "int8", "torch_dtype"},
      {"mtp_hidden", "both", "mtp_hidden"},
      {"intermediate_size", nullptr, "intermediate_size is missing"},
      {"moe_intermediate_size", nullptr, "moe_intermediate_size is missing"},
  };
  for (const auto& row : rows) {
    const std::string error = error_of([&] { ModelConfig::from_json(with([&](Json& j) { j[row.key] = row.value; }), "dir/config.json"); });
    EXPECT_NE(error.find(row.says), std::string::npos) << row.key << "=" << row.value << ": " << error;
    EXPECT_EQ(error.rfind("dir/config.json: ", 0), 0u) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(Config, RefusesGroupsOfOneWithTheTopTwoRule) {
  const std::string error = error_of([] {
    ModelConfig::from_json(with([](Json& j) {
                             j["n_group"] = 256;
                             j["topk_group"] = 8;
                           }),
                           "c");
  });
  EXPECT_NE(error.find("two best experts"), std::string::npos) << error;
}

TEST(Config, RefusesSizesThatOverflow) {
  const std::string error = error_of([] {
    ModelConfig::from_json(with([](Json& j) {
                             j["hidden_size"] = 1 << 20;
                             j["moe_intermediate_size"] = 1 << 20;
                             j["n_routed_experts"] = 1 << 14;
                           }),
                           "c");
  });
  EXPECT_NE(error.find("7e16"), std::string::npos) << error;
  const std::string many = error_of([] {
    ModelConfig::from_json(with([](Json& j) { j["n_routed_experts"] = 1 << 16; }), "c");
  });
  EXPECT_NE(many.find("1048576"), std::string::npos) << many;
}

TEST(Config, RefusesBadJson) {
  for (const std::string& text : {std::string(""), std::string("{"), std::string("[]"), std::string("null"), std::string("{\"a\":1,}"),
                                  std::string("\xff\xfe"), std::string(20000, '['), std::string(kV3).substr(0, 300)})
    EXPECT_THROW(ModelConfig::from_json(text, "c"), Error) << text.substr(0, 20);
  std::string deep = "{\"x\":";
  for (int i = 0; i < 100'000; ++i) deep += "[";
  EXPECT_NE(error_of([&] { ModelConfig::from_json(deep, "c"); }).find("nested deeper"), std::string::npos);
  const std::string twice = error_of([] { ModelConfig::from_json(R"({"vocab_size": 1, "vocab_size": 2})", "c"); });
  EXPECT_NE(twice.find("\"vocab_size\" appears twice"), std::string::npos) << twice;
}

TEST(Config, RefusesBadToml) {
  EXPECT_NE(error_of([] { ModelConfig::from_toml("[train]\nlr = 1\n", "a.toml"); }).find("a.toml: no [model] section"), std::string::npos);
  EXPECT_NE(error_of([] { ModelConfig::from_toml("[model]\nvocab_size = \n", "a.toml"); }).find("a.toml:2: not valid TOML"), std::string::npos);
  EXPECT_NE(error_of([] { ModelConfig::from_toml("model = 3", "a.toml"); }).find("expected an object"), std::string::npos);
  EXPECT_NE(error_of([] { ModelConfig::from_toml("[model]\nx = 1979-05-27", "a.toml"); }).find("a.toml:2"), std::string::npos);
  const std::string nano = [] {
    std::string text;
    FILE* f = std::fopen(MINKE_SOURCE_DIR "/configs/nano.toml", "rb");
    for (int c; (c = std::fgetc(f)) != EOF;) text += char(c);
    std::fclose(f);
    return text.substr(0, text.find("\n[", text.find("[model]") + 1)) + "\n";
  }();
  EXPECT_NO_THROW(ModelConfig::from_toml(nano + "[train]\nwhatever = 1\n", "a.toml"));
  const std::string unknown = error_of([&] { ModelConfig::from_toml(nano + "hiden_size = 64\n", "a.toml"); });
  EXPECT_NE(unknown.find("[model] unknown key \"hiden_size\"; did you mean hidden_size?"), std::string::npos) << unknown;
}

// Whatever a byte becomes, the reader answers with a config or an Error.
TEST(Config, MutatedJsonNeverCrashes) {
  Rng rng(7);
  int errors = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = kV3;
    for (uint64_t edits = 1 + rng.below(4); edits > 0; --edits) {
      const size_t at = rng.below(text.size());
      switch (rng.below(3)) {
        case 0: text[at] = char(rng.below(256)); break;
        case 1: text.erase(at, 1 + rng.below(8)); break;
        default: text.insert(at, 1, "[]{}\",:-09e"[rng.below(11)]);
      }
    }
    try {
      ModelConfig::from_json(ModelConfig::from_json(text, "c").to_json(), "c");
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace minke
