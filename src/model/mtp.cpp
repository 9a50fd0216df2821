#include "model/mtp.h"

#include "kernels/embedding/embedding.h"

namespace minke {

void mtp_forward(const MtpModule& p, const Rope& rope, const Rows& rows, DType dtype, const void* table, const int32_t* ids_ahead, View h_in,
                 MtpSaved& s, Arena& arena, bool keep_residual) {
  const int64_t t = rows.count(), d = p.enorm.n;
  s.emb = take(arena, DType::kF32, t, d);
  s.h_in = h_in;
  s.pair = take(arena, dtype, t, 2 * d);
  s.h = take(arena, DType::kF32, t, d);
  s.out = take(arena, dtype, t, d);
  s.e_rstd = arena.take<float>(t);
  s.h_rstd = arena.take<float>(t);
  s.out_rstd = arena.take<float>(t);

  embedding_forward(dtype, t, d, ids_ahead, table, s.emb.f32());
  norm_forward(p.enorm, s.emb, s.pair.columns(0, d), s.e_rstd);
  norm_forward(p.hnorm, s.h_in, s.pair.columns(d, d), s.h_rstd);
  linear_forward(p.eh_proj, s.pair, s.h);
  block_forward(p.block, rope, rows, dtype, s.h, s.block, arena, nullptr, keep_residual);
  norm_forward(p.shared_head_norm, s.h, s.out, s.out_rstd);
}

double mtp_backward(const MtpModule& p, const Rope& rope, const Rows& rows, const int32_t* ids_ahead, const MtpSaved& s,
                    const BalanceLoss& balance, View dh, View dh_in, float* d_table, Arena& arena) {
  const int64_t t = rows.count(), d = p.enorm.n;
  const double balance_value = block_backward(p.block, rope, rows, s.block, balance, dh, arena);
  ArenaScope scope(arena);
  View dy = take(arena, s.pair.dtype, t, d), d_pair = take(arena, s.pair.dtype, t, 2 * d);
  View d_emb = take(arena, DType::kF32, t, d);
  copy(dh, dy);
  linear_backward_input(p.eh_proj, dy, d_pair);
  linear_backward_weight(p.eh_proj, s.pair, dy);
  norm_backward(p.hnorm, s.h_in, s.h_rstd, d_pair.columns(d, d), dh_in, true);
  norm_backward(p.enorm, s.emb, s.e_rstd, d_pair.columns(0, d), d_emb, false);
  embedding_backward(t, d, ids_ahead, d_emb.f32(), d_table);
  return balance_value;
}

}  // namespace minke
