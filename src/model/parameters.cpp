#include "model/parameters.h"

#include <fmt/format.h>

namespace minke {

namespace {

class ListBuilder {
 public:
  explicit ListBuilder(const ModelConfig& config) : c_(config) {}

  void add(const std::string& name, std::vector<int64_t> shape, ParameterKind kind, int64_t expert = -1, std::string copy_of = {}) {
    ParameterSpec spec{prefix_ + name, std::move(shape), kind, layer_, expert, layer_ >= c_.num_hidden_layers, std::move(copy_of)};
    list_.push_back(std::move(spec));
  }

  void enter(int64_t layer) {
    layer_ = layer;
    prefix_ = layer < 0 ? "" : fmt::format("model.layers.{}.", layer);
  }

  // gate, up [width, hidden], down [hidden, width].
  void add_mlp(const std::string& name, int64_t width, ParameterKind kind, int64_t expert = -1) {
    add(name + "gate_proj.weight", {width, c_.hidden_size}, kind, expert);
    add(name + "up_proj.weight", {width, c_.hidden_size}, kind, expert);
    add(name + "down_proj.weight", {c_.hidden_size, width}, kind, expert);
  }

  void add_attention() {
    const int64_t q_width = c_.num_attention_heads * c_.qk_head_dim();
    if (c_.q_lora_rank > 0) {
      add("self_attn.q_a_proj.weight", {c_.q_lora_rank, c_.hidden_size}, ParameterKind::kLinear);
      add("self_attn.q_a_layernorm.weight", {c_.q_lora_rank}, ParameterKind::kNorm);
      add("self_attn.q_b_proj.weight", {q_width, c_.q_lora_rank}, ParameterKind::kLinear);
    } else {
      add("self_attn.q_proj.weight", {q_width, c_.hidden_size}, ParameterKind::kLinear);
    }
    add("self_attn.kv_a_proj_with_mqa.weight", {c_.kv_lora_rank + c_.qk_rope_head_dim, c_.hidden_size}, ParameterKind::kLinear);
    add("self_attn.kv_a_layernorm.weight", {c_.kv_lora_rank}, ParameterKind::kNorm);
    add("self_attn.kv_b_proj.weight", {c_.num_attention_heads * (c_.qk_nope_head_dim + c_.v_head_dim), c_.kv_lora_rank},
        ParameterKind::kLinear);
    add("self_attn.o_proj.weight", {c_.hidden_size, c_.num_attention_heads * c_.v_head_dim}, ParameterKind::kLinear);
  }

  void add_layer(int64_t layer) {
    add("input_layernorm.weight", {c_.hidden_size}, ParameterKind::kNorm);
    add_attention();
    add("post_attention_layernorm.weight", {c_.hidden_size}, ParameterKind::kNorm);
    if (!c_.is_moe_layer(layer)) {
      add_mlp("mlp.", c_.intermediate_size, ParameterKind::kLinear);
      return;
    }
    add("mlp.gate.weight", {c_.n_routed_experts, c_.hidden_size}, ParameterKind::kRouter);
    if (c_.has_router_bias()) add("mlp.gate.e_score_correction_bias", {c_.n_routed_experts}, ParameterKind::kRouterBias);
    for (int64_t e = 0; e < c_.n_routed_experts; ++e)
      add_mlp(fmt::format("mlp.experts.{}.", e), c_.moe_intermediate_size, ParameterKind::kExpert, e);
    if (c_.n_shared_experts > 0)
      add_mlp("mlp.shared_experts.", c_.n_shared_experts * c_.moe_intermediate_size, ParameterKind::kLinear);
  }

  std::vector<ParameterSpec> build() {
    const std::vector<int64_t> table = {c_.vocab_size, c_.hidden_size};
    add("model.embed_tokens.weight", table, ParameterKind::kEmbedding);
    for (int64_t layer = 0; layer < c_.num_hidden_layers; ++layer) {
      enter(layer);
      add_layer(layer);
    }
    enter(-1);
    add("model.norm.weight", {c_.hidden_size}, ParameterKind::kNorm);
    add("lm_head.weight", table, ParameterKind::kHead);
    for (int64_t k = 0; k < c_.num_nextn_predict_layers; ++k) {
      enter(c_.num_hidden_layers + k);
      add("embed_tokens.weight", table, ParameterKind::kEmbedding, -1, "model.embed_tokens.weight");
      add("enorm.weight", {c_.hidden_size}, ParameterKind::kNorm);
      add("hnorm.weight", {c_.hidden_size}, ParameterKind::kNorm);
      add("eh_proj.weight", {c_.hidden_size, 2 * c_.hidden_size}, ParameterKind::kLinear);
      add_layer(c_.num_hidden_layers + k);
      add("shared_head.norm.weight", {c_.hidden_size}, ParameterKind::kNorm);
      add("shared_head.head.weight", table, ParameterKind::kHead, -1, "lm_head.weight");
    }
    return std::move(list_);
  }

 private:
  const ModelConfig& c_;
  std::vector<ParameterSpec> list_;
  std::string prefix_;
  int64_t layer_ = -1;
};

}  // namespace

int64_t ParameterSpec::elements() const {
  int64_t n = 1;
  for (const int64_t d : shape) n *= d;
  return n;
}

std::vector<ParameterSpec> parameter_list(const ModelConfig& config) { return ListBuilder(config).build(); }

bool published_in_fp8(const ParameterSpec& spec) {
  const bool linear = spec.kind == ParameterKind::kLinear || spec.kind == ParameterKind::kExpert;
  return linear && !spec.name.ends_with(".eh_proj.weight");
}

ParameterCounts count_parameters(const ModelConfig& config) {
  ParameterCounts out;
  out.kv_bytes_per_token = (config.kv_lora_rank + config.qk_rope_head_dim) * 2 * config.num_hidden_layers;
  for (const ParameterSpec& p : parameter_list(config)) {
    const int64_t n = p.elements();
    ++out.stored_tensors;
    out.stored_bytes += n * int64_t(dtype_bytes(p.stored_dtype(config.dtype)));
    if (!p.copy_of.empty()) continue;
    (p.mtp ? out.mtp_params : out.total_params) += n;
    // A token is multiplied with neither the input table (a look-up) nor the router's bias (it only selects), and with any
    // num_experts_per_tok of the equal experts.
    const bool multiplied = p.kind != ParameterKind::kEmbedding && p.kind != ParameterKind::kRouterBias;
    if (!p.mtp && multiplied && p.expert < config.num_experts_per_tok) out.active_params += n;
  }
  return out;
}

}  // namespace minke
