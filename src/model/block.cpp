#include "model/block.h"

namespace minke {

void block_forward(const Block& p, const Rope& rope, const Rows& rows, DType dtype, View h, BlockSaved& s, Arena& arena, const CacheView* cache,
                   bool keep_residual, const ExpertReplay& replay) {
  const int64_t t = h.rows, d = h.cols;
  const auto keep = [&](View& copy_of_h) {
    if (!keep_residual) return;
    copy_of_h = take(arena, DType::kF32, t, d);
    copy(h, copy_of_h);
  };
  s.a = take(arena, dtype, t, d);
  s.u = take(arena, dtype, t, d);
  s.a_rstd = arena.take<float>(t);
  s.u_rstd = arena.take<float>(t);

  keep(s.h_attn);
  norm_forward(p.input_layernorm, h, s.a, s.a_rstd);
  mla_forward(p.self_attn, rope, rows, s.a, h, s.attn, arena, cache);

  keep(s.h_ffn);
  norm_forward(p.post_attention_layernorm, h, s.u, s.u_rstd);
  if (p.is_moe)
    moe_forward(p.moe, s.u, h, s.moe, arena, replay);
  else
    mlp_forward(p.mlp, s.u, h, s.mlp, arena);
}

double block_backward(const Block& p, const Rope& rope, const Rows& rows, const BlockSaved& s, const BalanceLoss& balance, View dh, Arena& arena) {
  ArenaScope scope(arena);
  const DType dtype = s.a.dtype;
  View dy = take(arena, dtype, dh.rows, dh.cols);  // dh in compute dtype: what the products read
  View dx = take(arena, DType::kF32, dh.rows, dh.cols);
  double balance_value = 0;

  copy(dh, dy);
  if (p.is_moe)
    balance_value = moe_backward(p.moe, s.moe, rows, balance, s.u, dh, dy, dx, arena);
  else
    mlp_backward(p.mlp, s.mlp, s.u, dy, dx, Store::kSet, arena);
  norm_backward(p.post_attention_layernorm, s.h_ffn, s.u_rstd, dx, dh, true);

  copy(dh, dy);
  mla_backward(p.self_attn, rope, rows, s.attn, dy, dx, arena);
  norm_backward(p.input_layernorm, s.h_attn, s.a_rstd, dx, dh, true);
  return balance_value;
}

}  // namespace minke
