#include "model/config.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"

namespace minke {

using Json = nlohmann::ordered_json;

namespace {

// Values a key may take, in the order of its enum.
const std::vector<std::string_view> kFamilies = {"deepseek_v3", "deepseek_v2"};
const std::vector<std::string_view> kArchitectures = {"DeepseekV3ForCausalLM", "DeepseekV2ForCausalLM"};
const std::vector<std::string_view> kScoringFuncs = {"sigmoid", "softmax"};
const std::vector<std::string_view> kTopkMethods = {"noaux_tc", "greedy", "group_limited_greedy"};
const std::vector<std::string_view> kMtpHidden = {"post_norm", "pre_norm"};

// Wide enough for any model published so far by a factor of ten, small enough that no product below overflows.
constexpr int64_t kMaxDim = 1 << 20, kMaxVocab = 1 << 24, kMaxLayers = 4096, kMaxExperts = 1 << 16, kMaxPositions = 1 << 30;

void read_rope(Fields& f, ModelConfig& c) {
  c.rope_theta = f.number("rope_theta", 1.001, 1e12, 10000);
  // transformers 5 writes rope_parameters in place of rope_scaling and rope_theta; where both stand, the newer one holds.
  std::optional<Fields> rope;
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    std::optional<Fields> found = f.object(key);
    if (!found) continue;
    rope.emplace(*found);
    c.rope_theta = rope->number("rope_theta", 1.001, 1e12, c.rope_theta);
    const char* type_key = rope->has("rope_type") ? "rope_type" : "type";
    rope->has("type");
    const size_t type = rope->choice(type_key, {"default", "yarn"}, 0);
    c.rope_scaling.reset();
    if (type == 1) {
      Yarn y;
      y.factor = rope->number("factor", 1, 1e6);
      y.original_max_position_embeddings = rope->integer("original_max_position_embeddings", 1, kMaxPositions);
      y.beta_fast = rope->number("beta_fast", 1e-3, 1e6, y.beta_fast);
      y.beta_slow = rope->number("beta_slow", 1e-3, 1e6, y.beta_slow);
      y.mscale = rope->number("mscale", 0, 100, y.mscale);
      y.mscale_all_dim = rope->number("mscale_all_dim", 0, 100, y.mscale_all_dim);
      if (y.beta_fast < y.beta_slow) rope->fail_at("beta_fast", "at least beta_slow");
      if (rope->has("attention_factor")) rope->fail_at("attention_factor", "none; minke derives it from mscale and mscale_all_dim");
      if (!rope->boolean("truncate", true)) rope->fail_at("truncate", "true; minke rounds the range of YaRN's ramp as DeepSeek does");
      c.rope_scaling = y;
    }
    rope->reject_unknown();
  }
}

void read_experts(Fields& f, ModelConfig& c) {
  const bool v3 = c.model_type == ModelFamily::kDeepseekV3;
  c.n_routed_experts = f.integer("n_routed_experts", 0, kMaxExperts, 0);
  if (f.integer("moe_layer_freq", 1, kMaxLayers, 1) != 1) f.fail_at("moe_layer_freq", "1 (every layer from first_k_dense_replace on)");
  // Absent keys mean what the family's published code takes for granted.
  c.topk_method = TopkMethod(f.choice("topk_method", kTopkMethods, v3 ? 0 : 1));
  c.scoring_func = ScoringFunc(f.choice("scoring_func", kScoringFuncs, v3 ? 0 : 1));
  c.norm_topk_prob = f.boolean("norm_topk_prob", v3);
  c.routed_scaling_factor = f.number("routed_scaling_factor", 1e-6, 1e6, v3 ? 2.5 : 1.0);
  if (c.n_routed_experts == 0) {
    for (const char* unused : {"n_shared_experts", "num_experts_per_tok", "moe_intermediate_size", "n_group", "topk_group"}) f.has(unused);
    f.has("first_k_dense_replace");
    c.first_k_dense_replace = c.num_hidden_layers;
    return;
  }
  c.n_shared_experts = f.integer("n_shared_experts", 0, 1024, 0);
  c.num_experts_per_tok = f.integer("num_experts_per_tok", 1, c.n_routed_experts);
  c.moe_intermediate_size = f.integer("moe_intermediate_size", 1, kMaxDim);
  c.n_group = f.integer("n_group", 1, c.n_routed_experts, 1);
  c.topk_group = f.integer("topk_group", 1, c.n_group, 1);
  c.first_k_dense_replace = f.integer("first_k_dense_replace", 0, c.num_hidden_layers, 0);
}

// The keys that config.json and [model] share.
ModelConfig read(Fields& f) {
  ModelConfig c;
  c.model_type = ModelFamily(f.choice("model_type", kFamilies, 0));
  if (const Json* names = f.raw("architectures")) {
    const bool one = names->is_array() && names->size() == 1 && (*names)[0].is_string();
    if (!one || (*names)[0].get<std::string>() != kArchitectures[size_t(c.model_type)])
      fail("{}architectures: expected [\"{}\"] beside model_type \"{}\", found {}", f.where(), kArchitectures[size_t(c.model_type)],
           kFamilies[size_t(c.model_type)], names->dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 100));
  }
  c.vocab_size = f.integer("vocab_size", 1, kMaxVocab);
  c.hidden_size = f.integer("hidden_size", 1, kMaxDim);
  c.num_hidden_layers = f.integer("num_hidden_layers", 1, kMaxLayers);
  c.num_nextn_predict_layers = f.integer("num_nextn_predict_layers", 0, 16, 0);
  c.num_attention_heads = f.integer("num_attention_heads", 1, 65536);
  if (f.integer("num_key_value_heads", 1, 65536, c.num_attention_heads) != c.num_attention_heads)
    f.fail_at("num_key_value_heads", fmt::format("num_attention_heads ({}): latent attention has a key for each head", c.num_attention_heads));
  c.q_lora_rank = f.integer("q_lora_rank", 0, kMaxDim, 0);
  c.kv_lora_rank = f.integer("kv_lora_rank", 1, kMaxDim);
  c.qk_nope_head_dim = f.integer("qk_nope_head_dim", 1, 65536);
  c.qk_rope_head_dim = f.integer("qk_rope_head_dim", 2, 65536);
  c.v_head_dim = f.integer("v_head_dim", 1, 65536);
  c.rope_interleave = f.boolean("rope_interleave", true);
  c.max_position_embeddings = f.integer("max_position_embeddings", 1, kMaxPositions);
  read_rope(f, c);
  read_experts(f, c);
  c.intermediate_size = c.first_k_dense_replace > 0 ? f.integer("intermediate_size", 1, kMaxDim)
                                                    : f.integer("intermediate_size", 0, kMaxDim, 0);
  c.rms_norm_eps = f.number("rms_norm_eps", 1e-12, 0.1, 1e-6);
  c.initializer_range = f.number("initializer_range", 0, 10, 0.006);
  if (f.has("bos_token_id")) c.bos_token_id = f.integer("bos_token_id", 0, c.vocab_size - 1);
  if (f.has("pad_token_id")) c.pad_token_id = f.integer("pad_token_id", -1, c.vocab_size - 1);
  if (c.pad_token_id && *c.pad_token_id < 0) c.pad_token_id.reset();
  c.eos_token_id = f.integers("eos_token_id", 0, c.vocab_size - 1);
  const char* dtype_key = f.has("dtype") ? "dtype" : "torch_dtype";
  f.has("torch_dtype");
  const std::vector<std::string_view> dtypes = {"bfloat16", "float32", "float16"};
  c.dtype = f.choice(dtype_key, dtypes, 0) == 0 ? DType::kBF16 : DType::kF32;  // float16 fits in float32, not in bfloat16
  c.mtp_hidden = MtpHidden(f.choice("mtp_hidden", kMtpHidden, 0));

  // What the published code can do and minke does not.
  if (f.text("hidden_act", "silu") != "silu") f.fail_at("hidden_act", "\"silu\"");
  for (const char* bias : {"attention_bias", "mlp_bias"})
    if (f.boolean(bias, false)) f.fail_at(bias, "false; DeepSeek's linear layers have no bias");
  if (f.boolean("tie_word_embeddings", false)) f.fail_at("tie_word_embeddings", "false; minke keeps the head apart from the embedding");
  c.validate(f.where());
  return c;
}

}  // namespace

void ModelConfig::validate(const std::string& where) const {
  const auto expect = [&](bool ok, const std::string& message) {
    if (!ok) fail("{}{}", where, message);
  };
  expect(qk_rope_head_dim % 2 == 0, fmt::format("qk_rope_head_dim: expected an even number (it is rotated in pairs), found {}", qk_rope_head_dim));
  expect(vocab_size > 0 && hidden_size > 0 && num_hidden_layers > 0, "vocab_size, hidden_size and num_hidden_layers must be positive");
  expect(first_k_dense_replace == 0 || intermediate_size > 0, "intermediate_size: dense layers need a positive width");
  const int64_t moe_layers = n_routed_experts > 0 ? layers_with_mtp() - first_k_dense_replace : 0;
  expect(moe_layers * n_routed_experts <= 1 << 20,
         fmt::format("n_routed_experts: {} experts in {} layers are more than minke counts (1048576)", n_routed_experts, moe_layers));
  if (n_routed_experts > 0) {
    expect(n_routed_experts % n_group == 0,
           fmt::format("n_group: expected a divisor of n_routed_experts ({}), found {}", n_routed_experts, n_group));
    const int64_t group = n_routed_experts / n_group, reachable = group * topk_group;
    if (topk_method != TopkMethod::kGreedy)
      expect(num_experts_per_tok <= reachable,
             fmt::format("num_experts_per_tok: expected at most {} (topk_group {} x {} experts a group), found {}", reachable, topk_group, group,
                         num_experts_per_tok));
    if (topk_method == TopkMethod::kNoauxTc)
      expect(group >= 2, fmt::format("n_group: noaux_tc scores a group by its two best experts, but {} groups of {} experts hold {} each", n_group,
                                     n_routed_experts, group));
    // A folder must mean the same to other programs, which go by model_type alone.
    const bool v3 = model_type == ModelFamily::kDeepseekV3;
    expect(v3 == (topk_method == TopkMethod::kNoauxTc),
           fmt::format("topk_method: {} goes with {}, found \"{}\"", v3 ? "deepseek_v3" : "deepseek_v2",
                       v3 ? "\"noaux_tc\"" : "\"greedy\" or \"group_limited_greedy\"", kTopkMethods[size_t(topk_method)]));
    expect(v3 == (scoring_func == ScoringFunc::kSigmoid),
           fmt::format("scoring_func: {} goes with \"{}\", found \"{}\"", v3 ? "deepseek_v3" : "deepseek_v2", kScoringFuncs[v3 ? 0 : 1],
                       kScoringFuncs[size_t(scoring_func)]));
    expect(v3 || rope_interleave, "rope_interleave: expected true; deepseek_v2 always rotates neighbouring rows");
  }
  // Parameters stay below 2^56, so that byte counts fit in 63 bits. A rough bound is enough.
  const double per_token = double(hidden_size) * (double(num_attention_heads) * double(qk_head_dim() + v_head_dim) + double(q_lora_rank) +
                                                  double(kv_lora_rank)) +
                           3.0 * double(hidden_size) * double(intermediate_size + moe_intermediate_size * (n_routed_experts + n_shared_experts)) +
                           double(num_attention_heads) * double(q_lora_rank + kv_lora_rank) * double(qk_head_dim() + v_head_dim);
  expect(per_token * double(layers_with_mtp()) + 2.0 * double(vocab_size) * double(hidden_size) < std::ldexp(1.0, 56),
         "these sizes make a model of more than 7e16 parameters; is a digit too many somewhere?");
}

ModelConfig ModelConfig::from_json(std::string_view text, const std::string& path) {
  const Json json = parse_json(text, path);
  Fields fields(json, path + ": ");
  fields.text("model_type");  // a folder of another architecture must not pass for one of ours
  return read(fields);
}

ModelConfig ModelConfig::from_toml(std::string_view text, const std::string& path) {
  const Json file = parse_toml(text, path);
  const auto section = file.find("model");
  if (section == file.end()) fail("{}: no [model] section; configs/tiny.toml shows one", path);
  Fields fields(*section, path + ": [model] ");
  ModelConfig c = read(fields);
  fields.reject_unknown();
  return c;
}

ModelConfig ModelConfig::load(const std::string& path) {
  std::error_code ignored;
  const std::string file = std::filesystem::is_directory(path, ignored) ? path + "/config.json" : path;
  const std::string text = read_file(file);
  const std::string extension = std::filesystem::path(file).extension();
  if (extension == ".toml") return from_toml(text, file);
  if (extension == ".json") return from_json(text, file);
  fail("{}: expected a model folder, a .json or a .toml file", path);
}

std::string ModelConfig::to_json() const {
  const bool moe = n_routed_experts > 0;
  Json j;
  j["architectures"] = {kArchitectures[size_t(model_type)]};
  j["model_type"] = kFamilies[size_t(model_type)];
  j["vocab_size"] = vocab_size;
  j["hidden_size"] = hidden_size;
  // transformers wants integers even where no layer uses them.
  j["intermediate_size"] = intermediate_size;
  j["moe_intermediate_size"] = moe ? moe_intermediate_size : intermediate_size;
  j["num_hidden_layers"] = num_hidden_layers;
  j["num_nextn_predict_layers"] = num_nextn_predict_layers;
  j["num_attention_heads"] = num_attention_heads;
  j["num_key_value_heads"] = num_attention_heads;
  j["n_shared_experts"] = n_shared_experts;
  j["n_routed_experts"] = n_routed_experts;
  j["routed_scaling_factor"] = routed_scaling_factor;
  j["num_experts_per_tok"] = num_experts_per_tok;
  j["n_group"] = n_group;
  j["topk_group"] = topk_group;
  j["topk_method"] = kTopkMethods[size_t(topk_method)];
  j["scoring_func"] = kScoringFuncs[size_t(scoring_func)];
  j["norm_topk_prob"] = norm_topk_prob;
  j["first_k_dense_replace"] = first_k_dense_replace;
  j["moe_layer_freq"] = 1;
  j["q_lora_rank"] = q_lora_rank ? Json(q_lora_rank) : Json();
  j["kv_lora_rank"] = kv_lora_rank;
  j["qk_nope_head_dim"] = qk_nope_head_dim;
  j["qk_rope_head_dim"] = qk_rope_head_dim;
  j["v_head_dim"] = v_head_dim;
  j["hidden_act"] = "silu";
  j["rms_norm_eps"] = rms_norm_eps;
  j["initializer_range"] = initializer_range;
  j["rope_theta"] = rope_theta;
  j["rope_interleave"] = rope_interleave;
  j["rope_scaling"] = nullptr;
  if (rope_scaling) {
    const Yarn& y = *rope_scaling;
    j["rope_scaling"] = {{"type", "yarn"},
                         {"rope_type", "yarn"},
                         {"factor", y.factor},
                         {"original_max_position_embeddings", y.original_max_position_embeddings},
                         {"beta_fast", y.beta_fast},
                         {"beta_slow", y.beta_slow},
                         {"mscale", y.mscale},
                         {"mscale_all_dim", y.mscale_all_dim}};
  }
  j["max_position_embeddings"] = max_position_embeddings;
  j["attention_bias"] = false;
  j["attention_dropout"] = 0.0;
  j["tie_word_embeddings"] = false;
  j["use_cache"] = true;
  j["bos_token_id"] = bos_token_id ? Json(*bos_token_id) : Json();
  j["eos_token_id"] = eos_token_id.empty() ? Json() : eos_token_id.size() == 1 ? Json(eos_token_id[0]) : Json(eos_token_id);
  j["pad_token_id"] = pad_token_id ? Json(*pad_token_id) : Json();
  j["torch_dtype"] = dtype_info(dtype).torch;
  j["mtp_hidden"] = kMtpHidden[size_t(mtp_hidden)];
  return j.dump(2) + "\n";
}

}  // namespace minke
