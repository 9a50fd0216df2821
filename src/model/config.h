#pragma once
// What a model is: config.json's own key names, nothing guessed from dimensions. DeepSeek-V3 report section 2, V2 report section 2
// and appendix B. docs/config.md explains every key.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layers/rope.h"
#include "numeric/dtype.h"

namespace minke {

enum class ModelFamily : uint8_t { kDeepseekV3, kDeepseekV2 };  // model_type "deepseek_v3", "deepseek_v2"
enum class ScoringFunc : uint8_t { kSigmoid, kSoftmax };
// How experts are chosen: noaux_tc adds a bias per expert and scores a group by its two best; group_limited_greedy scores a group
// by its best; greedy has no groups.
enum class TopkMethod : uint8_t { kNoauxTc, kGreedy, kGroupLimitedGreedy };
enum class MtpHidden : uint8_t { kPostNorm, kPreNorm };    // which hidden state feeds an MTP module: after or before model.norm

struct ModelConfig {
  ModelFamily model_type = ModelFamily::kDeepseekV3;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_nextn_predict_layers = 0;  // MTP modules; layer numbers num_hidden_layers + k
  int64_t intermediate_size = 0;         // of dense layers

  // Multi-head latent attention.
  int64_t num_attention_heads = 0;
  int64_t q_lora_rank = 0;  // 0: no query compression, one q_proj
  int64_t kv_lora_rank = 0;
  int64_t qk_nope_head_dim = 0, qk_rope_head_dim = 0, v_head_dim = 0;
  double rope_theta = 10000;
  bool rope_interleave = true;  // rotary pairs are rows (2i, 2i+1); false: (i, i + dim/2)
  std::optional<Yarn> rope_scaling;
  int64_t max_position_embeddings = 0;

  // Mixture of experts; n_routed_experts 0 is a dense model.
  int64_t n_routed_experts = 0, n_shared_experts = 0, num_experts_per_tok = 0;
  int64_t moe_intermediate_size = 0;  // of one expert; the shared MLP has n_shared_experts times that
  int64_t n_group = 1, topk_group = 1;
  TopkMethod topk_method = TopkMethod::kNoauxTc;
  ScoringFunc scoring_func = ScoringFunc::kSigmoid;
  bool norm_topk_prob = true;
  double routed_scaling_factor = 1;
  int64_t first_k_dense_replace = 0;  // layers below this number are dense; num_hidden_layers in a dense model

  double rms_norm_eps = 1e-6;        // the two latent norms use 1e-6 whatever this says, as the published code does
  double initializer_range = 0.006;  // standard deviation of fresh weights
  std::optional<int64_t> bos_token_id, pad_token_id;
  std::vector<int64_t> eos_token_id;
  DType dtype = DType::kBF16;  // torch_dtype: how weights are stored
  MtpHidden mtp_hidden = MtpHidden::kPostNorm;

  // `path` names the source in errors. from_json ignores keys it does not know (config.json has many) but refuses known ones that ask
  // for what minke does not do; from_toml reads the [model] section and refuses unknown keys in it. Both validate.
  static ModelConfig from_json(std::string_view text, const std::string& path);
  static ModelConfig from_toml(std::string_view text, const std::string& path);
  // A model folder, a .json or a .toml file.
  static ModelConfig load(const std::string& path);
  // config.json that transformers 4.x and 5.x read.
  std::string to_json() const;
  // Relations between values; `where` starts each message ("config.json: ").
  void validate(const std::string& where) const;

  int64_t qk_head_dim() const { return qk_nope_head_dim + qk_rope_head_dim; }
  int64_t layers_with_mtp() const { return num_hidden_layers + num_nextn_predict_layers; }
  bool is_moe_layer(int64_t layer) const { return n_routed_experts > 0 && layer >= first_k_dense_replace; }
  bool has_router_bias() const { return topk_method == TopkMethod::kNoauxTc; }
};

}  // namespace minke
