#include "model/transformer.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/embedding/embedding.h"

namespace minke {
namespace {

constexpr float kLatentNormEps = 1e-6f;  // q_a_layernorm and kv_a_layernorm ignore rms_norm_eps (spec 1.1)

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
  // The V2 family divides by the sum or scales, never both (spec 1.7).
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
  if (!w.training()) std::tie(p.w_uk, p.w_uv) = w.absorbed(prefix + "kv_b_proj.weight", heads, nope, v, c.kv_lora_rank);
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

Transformer::Transformer(const ModelConfig& config, DType compute, WeightUse use)
    : config_(config), weights_(config, compute, use), rope_(rope_spec(config)) {
  const ModelConfig& c = config_;
  const float eps = float(c.rms_norm_eps);
  table_ = weights_.table("model.embed_tokens.weight", &d_table_);
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) blocks_.push_back(build_block(l));
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
                          bool keep_residual) {
  const int64_t t = rows.count(), d = config_.hidden_size;
  int64_t longest = 0;
  for (const RowSegment& r : rows.segments) longest = std::max(longest, r.first + r.n);
  rope_.reserve(longest);
  s.h = take(arena, DType::kF32, t, d);
  s.x = take(arena, compute(), t, d);
  s.rstd = arena.take<float>(t);
  s.blocks.resize(blocks_.size());
  embedding_forward(compute(), t, d, ids, table_, s.h.f32());
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const Arena::Mark mark = arena.mark();
    block_forward(blocks_[l], rope_, rows, compute(), s.h, s.blocks[l], arena, caches.empty() ? nullptr : &caches[l], keep_residual);
    if (!keep_residual) arena.release(mark);
  }
  norm_forward(norm_, s.h, s.x, s.rstd);
}

void Transformer::clear_expert_loads() {
  for (auto& loads : expert_loads_) std::fill(loads.begin(), loads.end(), 0);
}

void Transformer::count_loads(const Block& b, const BlockSaved& s, size_t moe_index) {
  if (!b.is_moe) return;
  const std::vector<int64_t>& offsets = s.moe.plan.offsets;
  for (size_t e = 0; e + 1 < offsets.size(); ++e) expert_loads_[moe_index][e] += offsets[e + 1] - offsets[e];
}

namespace {

// The first n - 1 rows of every segment: what the next MTP depth can still predict from.
Rows shorten(const Rows& rows) {
  Rows out;
  for (const RowSegment& r : rows.segments)
    if (r.n > 1) out.add(r.n - 1, r.first);
  return out;
}

// Rows of `from` (laid out by `wide`) that `narrow` keeps.
View gather(const Rows& wide, const Rows& narrow, View from, Arena& arena) {
  View out = take(arena, from.dtype, narrow.count(), from.cols);
  size_t i = 0;
  for (const RowSegment& r : wide.segments) {
    if (r.n <= 1) continue;
    copy(from.slice(r.begin, r.n - 1), out.slice(narrow.segments[i++].begin, r.n - 1));
  }
  return out;
}

void scatter_add(const Rows& wide, const Rows& narrow, View from, View to) {
  size_t i = 0;
  for (const RowSegment& r : wide.segments) {
    if (r.n <= 1) continue;
    const int64_t begin = narrow.segments[i++].begin;
    for (int64_t t = 0; t < r.n - 1; ++t) {
      const float* x = static_cast<const float*>(from.row(begin + t));
      float* y = static_cast<float*>(to.row(r.begin + t));
      for (int64_t j = 0; j < from.cols; ++j) y[j] += x[j];
    }
  }
}

}  // namespace

std::vector<View> Transformer::mtp_logits(const std::vector<int32_t>& ids, const ForwardSaved& s, const Rows& rows, Arena& arena) {
  std::vector<View> out;
  const bool post = config_.mtp_hidden == MtpHidden::kPostNorm;
  std::vector<MtpSaved> saved(mtp_.size());
  Rows wide = rows;
  View from = post ? s.x : s.h;
  for (size_t k = 0; k < mtp_.size(); ++k) {
    const Rows narrow = shorten(wide);
    if (narrow.count() == 0) break;
    mtp_forward(mtp_[k], rope_, narrow, compute(), table_, ids.data() + k + 1, gather(wide, narrow, from, arena), saved[k], arena, nullptr, false);
    out.push_back(take(arena, DType::kF32, narrow.count(), config_.vocab_size));
    logits(saved[k].out, out.back());
    from = post ? saved[k].out : saved[k].h;
    wide = narrow;
  }
  return out;
}

StepLosses Transformer::train(const int32_t* tokens, int64_t B, int64_t L, const std::vector<std::vector<int64_t>>& segment_starts,
                              const LossOptions& options, double weight_of_step, int64_t sequences_of_step) {
  MINKE_CHECK(weights_.training());
  const int64_t t = B * L, d = config_.hidden_size;
  ArenaScope scope(arena_);
  const BalanceLoss balance{options.balance_alpha, sequences_of_step};

  // Rows of the main model. Without a mask a sequence is one segment and attention crosses documents, as V3's pre-training did.
  Rows rows;
  std::vector<int32_t> ids(static_cast<size_t>(t)), targets(static_cast<size_t>(t));
  for (int64_t b = 0; b < B; ++b) {
    std::vector<int64_t> starts = {0};
    if (options.mask_segments)
      for (int64_t start : segment_starts[size_t(b)])
        if (start > 0 && start < L) starts.push_back(start);
    starts.push_back(L);
    for (size_t i = 0; i + 1 < starts.size(); ++i) rows.add(starts[i + 1] - starts[i], 0);
    std::copy_n(tokens + b * (L + 1), L, ids.begin() + b * L);
    std::copy_n(tokens + b * (L + 1) + 1, L, targets.begin() + b * L);
  }
  std::vector<float> scale(static_cast<size_t>(t));
  for (int64_t i = 0; i < t; ++i) scale[size_t(i)] = float((options.token_weights.empty() ? 1.0 : options.token_weights[size_t(i)]) / weight_of_step);

  ForwardSaved s;
  forward(rows, ids.data(), s, arena_, {}, true);
  size_t moe_index = 0;
  for (size_t l = 0; l < blocks_.size(); ++l) {
    count_loads(blocks_[l], s.blocks[l], moe_index);
    moe_index += blocks_[l].is_moe;
  }
  const auto weighted = [](const std::vector<float>& nll, const std::vector<float>& w) {
    double sum = 0;
    for (size_t i = 0; i < nll.size(); ++i) sum += double(nll[i]) * w[i];
    return sum;
  };

  StepLosses losses;
  View d_x = take(arena_, DType::kF32, t, d);
  std::vector<float> nll(static_cast<size_t>(t));
  head_loss(head_, s.x, targets.data(), scale.data(), nll.data(), d_x, arena_);
  losses.main = weighted(nll, scale);

  // MTP modules, forward. Depth k reads token i + k and predicts token i + k + 1 (report eq. 21-24; the mean is over all T).
  const bool post = config_.mtp_hidden == MtpHidden::kPostNorm;
  struct Depth {
    Rows rows;
    std::vector<int32_t> ids_ahead;
    MtpSaved saved;
    View d_out;  // gradient of the normed output
  };
  std::vector<Depth> depths;
  const bool with_mtp = options.mtp_lambda > 0;
  depths.reserve(mtp_.size());
  // Sequence and place of each row of the depth before: segments never mix documents' tokens when masked.
  std::vector<int64_t> place(static_cast<size_t>(t));
  for (int64_t i = 0; i < t; ++i) place[size_t(i)] = i / L * (L + 1) + i % L;
  const Rows* wide = &rows;
  View from = post ? s.x : s.h;
  for (size_t k = 0; with_mtp && k < mtp_.size(); ++k) {
    Depth& depth = depths.emplace_back();
    depth.rows = shorten(*wide);
    if (depth.rows.count() == 0) {
      depths.pop_back();
      break;
    }
    std::vector<int64_t> narrow_place;
    for (const RowSegment& r : wide->segments)
      for (int64_t i = 0; i + 1 < r.n; ++i) narrow_place.push_back(place[size_t(r.begin + i)]);
    place = std::move(narrow_place);
    const int64_t n = depth.rows.count();
    std::vector<int32_t> ahead(static_cast<size_t>(n));
    std::vector<float> w(static_cast<size_t>(n)), depth_nll(static_cast<size_t>(n));
    depth.ids_ahead.resize(size_t(n));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t p = place[size_t(i)], token_weight_row = p / (L + 1) * L + p % (L + 1) + int64_t(k) + 1;
      depth.ids_ahead[size_t(i)] = tokens[p + int64_t(k) + 1];
      ahead[size_t(i)] = tokens[p + int64_t(k) + 2];
      w[size_t(i)] = options.mtp_lambda / float(mtp_.size()) * scale[size_t(token_weight_row)];
    }
    const View h_in = gather(*wide, depth.rows, from, arena_);
    mtp_forward(mtp_[k], rope_, depth.rows, compute(), table_, depth.ids_ahead.data(), h_in, depth.saved, arena_, nullptr, true);
    count_loads(mtp_[k].block, depth.saved.block, moe_index);
    moe_index += mtp_[k].block.is_moe;
    depth.d_out = take(arena_, DType::kF32, n, d);
    head_loss(head_, depth.saved.out, ahead.data(), w.data(), depth_nll.data(), depth.d_out, arena_);
    losses.mtp.push_back(weighted(depth_nll, w) * double(mtp_.size()) / options.mtp_lambda);
    from = post ? depth.saved.out : depth.saved.h;
    wide = &depth.rows;
  }

  // Backward, deepest first. A module's input gradient goes to the normed output (post) or the raw stream (pre) one depth up.
  View d_raw_extra;  // pre: what the depth below adds to this depth's raw stream
  for (size_t k = depths.size(); k-- > 0;) {
    Depth& depth = depths[k];
    View dh = take(arena_, DType::kF32, depth.rows.count(), d), dh_in = take(arena_, DType::kF32, depth.rows.count(), d);
    norm_backward(mtp_[k].shared_head_norm, depth.saved.h, depth.saved.out_rstd, depth.d_out, dh, false);
    if (d_raw_extra.data) scatter_add(depth.rows, depths[k + 1].rows, d_raw_extra, dh);
    fill_zero(dh_in);
    losses.balance += mtp_backward(mtp_[k], rope_, depth.rows, depth.ids_ahead.data(), depth.saved, balance, dh, dh_in, d_table_, arena_);
    const Rows& above = k == 0 ? rows : depths[k - 1].rows;
    if (post)
      scatter_add(above, depth.rows, dh_in, k == 0 ? d_x : depths[k - 1].d_out);
    else
      d_raw_extra = dh_in;
  }
  View dh = take(arena_, DType::kF32, t, d);
  norm_backward(norm_, s.h, s.rstd, d_x, dh, false);
  if (d_raw_extra.data) scatter_add(rows, depths[0].rows, d_raw_extra, dh);
  for (size_t l = blocks_.size(); l-- > 0;) losses.balance += block_backward(blocks_[l], rope_, rows, s.blocks[l], balance, dh, arena_);
  embedding_backward(t, d, ids.data(), dh.f32(), d_table_);
  return losses;
}

}  // namespace minke
