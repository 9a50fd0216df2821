#include "model/transformer.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/embedding/embedding.h"

namespace minke {
namespace {

constexpr float kLatentNormEps = 1e-6f;  // q_a_layernorm and kv_a_layernorm ignore rms_norm_eps, as in DeepSeek's code

RopeSpec rope_spec(const ModelConfig& c) {
  RopeSpec spec;
  spec.dim = c.qk_rope_head_dim;
  spec.theta = c.rope_theta;
  spec.layout = c.rope_interleave ? RopeLayout::kInterleaved : RopeLayout::kHalfSplit;
  spec.yarn = c.rope_scaling;
  return spec;
}

RouterShape router_shape(const ModelConfig& c) {
  RouterShape r;
  r.experts = c.n_routed_experts;
  r.top_k = c.num_experts_per_tok;
  const bool grouped = c.topk_method != TopkMethod::kGreedy;
  r.groups = grouped ? c.n_group : 1;
  r.top_groups = grouped ? c.topk_group : 1;
  r.softmax = c.scoring_func == ScoringFunc::kSoftmax;
  r.group_top2 = c.topk_method == TopkMethod::kNoauxTc;
  r.normalise = c.norm_topk_prob;
  // The V2 family divides by the sum or scales, never both, as in DeepSeek's code.
  const bool scales = !(c.model_type == ModelFamily::kDeepseekV2 && c.norm_topk_prob);
  r.scaling = scales ? float(c.routed_scaling_factor) : 1.0f;
  return r;
}

Mla build_mla(const ModelConfig& c, Weights& w, const std::string& prefix) {
  Mla p;
  const int64_t heads = c.num_attention_heads, nope = c.qk_nope_head_dim, rope = c.qk_rope_head_dim, v = c.v_head_dim;
  p.dims = {heads, c.q_lora_rank, c.kv_lora_rank, nope, rope, v, float(softmax_scale(rope_spec(c), nope + rope))};
  if (c.q_lora_rank) {
    p.q_a_proj = w.linear({prefix + "q_a_proj.weight"}, c.hidden_size, c.q_lora_rank);
    p.q_a_layernorm = w.norm(prefix + "q_a_layernorm.weight", c.q_lora_rank, kLatentNormEps);
    p.q_b_proj = w.linear({prefix + "q_b_proj.weight"}, c.q_lora_rank, heads * (nope + rope));
  } else {
    p.q_b_proj = w.linear({prefix + "q_proj.weight"}, c.hidden_size, heads * (nope + rope));
  }
  p.kv_a_proj_with_mqa = w.linear({prefix + "kv_a_proj_with_mqa.weight"}, c.hidden_size, c.kv_lora_rank + rope);
  p.kv_a_layernorm = w.norm(prefix + "kv_a_layernorm.weight", c.kv_lora_rank, kLatentNormEps);
  p.kv_b_proj = w.linear({prefix + "kv_b_proj.weight"}, c.kv_lora_rank, heads * (nope + v));
  p.o_proj = w.linear({prefix + "o_proj.weight"}, heads * v, c.hidden_size);
  std::tie(p.w_uk, p.w_uv) = w.absorbed(prefix + "kv_b_proj.weight", heads, nope, v, c.kv_lora_rank);
  return p;
}

Mlp build_mlp(const ModelConfig& c, Weights& w, const std::string& prefix, int64_t inner) {
  return {w.linear({prefix + "gate_proj.weight", prefix + "up_proj.weight"}, c.hidden_size, 2 * inner),
          w.linear({prefix + "down_proj.weight"}, inner, c.hidden_size)};
}

Moe build_moe(const ModelConfig& c, Weights& w, const std::string& prefix) {
  Moe p;
  p.router.shape = router_shape(c);
  p.router.w = w.router(prefix + "gate.weight", &p.router.dw);
  if (c.has_router_bias()) p.router.bias = w.router_bias(prefix + "gate.e_score_correction_bias");
  for (int64_t e = 0; e < c.n_routed_experts; ++e) {
    const Mlp expert = build_mlp(c, w, fmt::format("{}experts.{}.", prefix, e), c.moe_intermediate_size);
    p.gate_up_proj.push_back(expert.gate_up_proj);
    p.down_proj.push_back(expert.down_proj);
  }
  p.has_shared = c.n_shared_experts > 0;
  if (p.has_shared) p.shared_experts = build_mlp(c, w, prefix + "shared_experts.", c.n_shared_experts * c.moe_intermediate_size);
  return p;
}

}  // namespace

Block Transformer::build_block(int64_t layer) {
  const ModelConfig& c = config_;
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const float eps = float(c.rms_norm_eps);
  Block b;
  b.input_layernorm = weights_.norm(prefix + "input_layernorm.weight", c.hidden_size, eps);
  b.post_attention_layernorm = weights_.norm(prefix + "post_attention_layernorm.weight", c.hidden_size, eps);
  b.self_attn = build_mla(c, weights_, prefix + "self_attn.");
  b.is_moe = c.is_moe_layer(layer);
  if (b.is_moe) {
    b.moe = build_moe(c, weights_, prefix + "mlp.");
    router_biases_.push_back(c.has_router_bias() ? prefix + "mlp.gate.e_score_correction_bias" : "");
    expert_loads_.emplace_back(size_t(c.n_routed_experts), 0);
  } else {
    b.mlp = build_mlp(c, weights_, prefix + "mlp.", c.intermediate_size);
  }
  return b;
}

Transformer::Transformer(const ModelConfig& config, const Recipe& recipe, WeightUse use)
    : config_(config), weights_(config, recipe, use), rope_(rope_spec(config)) {
  const ModelConfig& c = config_;
  const float eps = float(c.rms_norm_eps);
  table_ = weights_.table("model.embed_tokens.weight", &d_table_);
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) blocks_.push_back(build_block(l));
  for (const Block& b : blocks_) moe_layers_ += b.is_moe;
  norm_ = weights_.norm("model.norm.weight", c.hidden_size, eps);
  head_ = weights_.linear({"lm_head.weight"}, c.hidden_size, c.vocab_size);
  for (int64_t k = 0; k < c.num_nextn_predict_layers; ++k) {
    const std::string prefix = fmt::format("model.layers.{}.", c.num_hidden_layers + k);
    MtpModule m;
    m.enorm = weights_.norm(prefix + "enorm.weight", c.hidden_size, eps);
    m.hnorm = weights_.norm(prefix + "hnorm.weight", c.hidden_size, eps);
    m.eh_proj = weights_.linear({prefix + "eh_proj.weight"}, 2 * c.hidden_size, c.hidden_size);
    m.block = build_block(c.num_hidden_layers + k);
    m.shared_head_norm = weights_.norm(prefix + "shared_head.norm.weight", c.hidden_size, eps);
    mtp_.push_back(std::move(m));
  }
}

void Transformer::forward(const Rows& rows, const int32_t* ids, ForwardSaved& s, Arena& arena, const std::vector<CacheView>& caches,
                          bool keep_residual, std::span<const uint16_t> experts) {
  const int64_t t = rows.count(), d = config_.hidden_size, choices = choices_per_row(), k = config_.num_experts_per_tok;
  if (!experts.empty() && int64_t(experts.size()) != t * choices)
    fail("experts to replay: expected {} rows x {} MoE layers x {}, found {} choices; were they recorded by another model?", t, moe_layers_, k,
         experts.size());
  int64_t longest = 0;
  for (const RowSegment& r : rows.segments) longest = std::max(longest, r.first + r.n);
  rope_.reserve(longest);
  s.h = take(arena, DType::kF32, t, d);
  s.x = take(arena, compute(), t, d);
  s.rstd = arena.take<float>(t);
  s.blocks.resize(blocks_.size());
  embedding_forward(compute(), t, d, ids, table_, s.h.f32());
  ExpertReplay replay{experts.data(), choices};
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const Arena::Mark mark = arena.mark();
    block_forward(blocks_[l], rope_, rows, compute(), s.h, s.blocks[l], arena, caches.empty() ? nullptr : &caches[l], keep_residual, replay);
    if (replay.experts && blocks_[l].is_moe) replay.experts += k;
    if (!keep_residual) arena.release(mark);
  }
  norm_forward(norm_, s.h, s.x, s.rstd);
}

}  // namespace minke
