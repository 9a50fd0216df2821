#include "layers/mla.h"

#include <cstring>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/attention/key_tiles.h"

namespace minke {
namespace {

AttentionShape expanded_shape(const MlaDims& d, DType dtype, int64_t kv_row, int64_t k_rope_row) {
  AttentionShape s;
  s.dtype = dtype;
  s.heads = d.heads;
  s.d_nope = d.nope;
  s.d_rope = d.rope;
  s.d_v = d.v;
  s.scale = d.scale;
  s.q_row = d.heads * (d.nope + d.rope);
  s.q_head = d.nope + d.rope;
  s.k_nope_row = s.v_row = kv_row;
  s.k_nope_head = s.v_head = d.nope + d.v;
  s.k_rope_row = k_rope_row;
  s.o_row = d.heads * d.v;
  s.o_head = d.v;
  return s;
}

// Latent pages: rows of c_kv, then rows of k_rope.
int64_t latent_rope_byte(const MlaDims& d, DType dtype) { return kKeyTile * d.kv_rank * int64_t(dtype_bytes(dtype)); }

void append_latent(const MlaDims& d, const Rows& rows, View c_kv, View k_rope, const CacheView& cache) {
  const size_t kv_bytes = size_t(d.kv_rank) * dtype_bytes(c_kv.dtype), rope_bytes = size_t(d.rope) * dtype_bytes(c_kv.dtype);
  for (size_t i = 0; i < rows.segments.size(); ++i) {
    const RowSegment& r = rows.segments[i];
    for (int64_t t = 0; t < r.n; ++t) {
      const int64_t position = r.first + t, at = position % kKeyTile;
      char* tile = static_cast<char*>(cache.segments[i][position / kKeyTile]) + cache.tile;
      std::memcpy(tile + size_t(at) * kv_bytes, c_kv.row(r.begin + t), kv_bytes);
      std::memcpy(tile + latent_rope_byte(d, c_kv.dtype) + size_t(at) * rope_bytes, k_rope.row(r.begin + t), rope_bytes);
    }
  }
}

void attend_expanded(const Mla& p, const Rows& rows, MlaSaved& s, View k_rope, const CacheView* cache) {
  const MlaDims& d = p.dims;
  AttentionShape shape = expanded_shape(d, s.q.dtype, s.kv.ld, k_rope.ld);
  if (cache) {
    shape.keys = KeyStore::kPagedTiles;
    shape.page_tile = cache->tile;
  }
  std::vector<AttentionSegment> segments;
  segments.reserve(rows.segments.size());
  for (size_t i = 0; i < rows.segments.size(); ++i) {
    const RowSegment& r = rows.segments[i];
    const View kv = s.kv.slice(r.begin, r.n);
    segments.push_back({r.n, r.first, s.q.row(r.begin), kv.data, k_rope.row(r.begin), kv.columns(d.nope, d.v).data, s.o.row(r.begin),
                        s.lse ? s.lse + r.begin * d.heads : nullptr, cache ? cache->segments[i] : nullptr});
  }
  attention_forward(shape, segments);
}

// One product per head with weights of its own: x[:, head] -> y[:, head].
void per_head(const void* const* w, int64_t heads, View x, int64_t x_head, int64_t k, View y, int64_t y_head, int64_t n) {
  std::vector<GemmProblem> problems;
  for (int64_t i = 0; i < heads; ++i)
    problems.push_back({x.rows, x.columns(i * x_head, k).data, x.ld, w[i], y.columns(i * y_head, n).data, y.ld});
  gemm({x.dtype, n, k, y.dtype, Store::kSet}, problems);
}

void attend_absorbed(const Mla& p, const Rows& rows, MlaSaved& s, Arena& arena, const CacheView& cache) {
  const MlaDims& d = p.dims;
  MINKE_CHECK(p.w_uk[0] != nullptr);  // Weights::use_absorbed() comes first
  const int64_t rows_n = s.q.rows, wide = d.kv_rank + d.rope;
  View q = take(arena, s.q.dtype, rows_n, d.heads * wide);  // per head: q_n Wuk, then q_r
  View u = take(arena, s.q.dtype, rows_n, d.heads * d.kv_rank);
  per_head(p.w_uk, d.heads, s.q, d.nope + d.rope, d.nope, q, wide, d.kv_rank);
  for (int64_t i = 0; i < d.heads && d.rope; ++i)
    copy(s.q.columns(i * (d.nope + d.rope) + d.nope, d.rope), q.columns(i * wide + d.kv_rank, d.rope));

  AttentionShape shape;
  shape.dtype = s.q.dtype;
  shape.heads = d.heads;
  shape.d_nope = shape.d_v = d.kv_rank;
  shape.d_rope = d.rope;
  shape.scale = d.scale;
  shape.q_row = d.heads * wide;
  shape.q_head = wide;
  shape.k_nope_row = shape.v_row = d.kv_rank;
  shape.k_rope_row = d.rope;
  shape.keys = KeyStore::kPagedRows;
  shape.page_tile = cache.tile;
  shape.page_k_rope = latent_rope_byte(d, s.q.dtype);
  shape.o_row = d.heads * d.kv_rank;
  shape.o_head = d.kv_rank;
  std::vector<AttentionSegment> segments;
  for (size_t i = 0; i < rows.segments.size(); ++i) {
    const RowSegment& r = rows.segments[i];
    segments.push_back({r.n, r.first, q.row(r.begin), nullptr, nullptr, nullptr, u.row(r.begin), nullptr, cache.segments[i]});
  }
  attention_forward(shape, segments);
  per_head(p.w_uv, d.heads, u, d.kv_rank, d.kv_rank, s.o, d.v, d.v);
}

}  // namespace

int64_t cache_tile_bytes(const MlaDims& d, DType dtype, CacheForm form) {
  if (form == CacheForm::kExpanded) return KeyTileLayout(expanded_shape(d, dtype, 0, 0)).bytes;
  return (kKeyTile * (d.kv_rank + d.rope) * int64_t(dtype_bytes(dtype)) + 63) / 64 * 64;
}

void mla_forward(const Mla& p, const Rope& rope, const Rows& rows, View a, View h, MlaSaved& s, Arena& arena, const CacheView* cache) {
  const MlaDims& d = p.dims;
  const int64_t t = a.rows;
  const DType dtype = a.dtype;
  s.a = a;
  s.q = take(arena, dtype, t, d.heads * (d.nope + d.rope));
  s.kv_a = take(arena, dtype, t, d.kv_rank + d.rope);
  s.c_kv = take(arena, dtype, t, d.kv_rank);
  s.o = take(arena, dtype, t, d.heads * d.v);
  s.c_kv_rstd = arena.take<float>(t);
  s.lse = arena.take<float>(t * d.heads);

  if (d.q_rank) {
    s.c_q_raw = take(arena, dtype, t, d.q_rank);
    s.c_q = take(arena, dtype, t, d.q_rank);
    s.c_q_rstd = arena.take<float>(t);
    linear_forward(p.q_a_proj, a, s.c_q_raw);
    norm_forward(p.q_a_layernorm, s.c_q_raw, s.c_q, s.c_q_rstd);
  }
  linear_forward(p.q_b_proj, d.q_rank ? s.c_q : a, s.q);
  linear_forward(p.kv_a_proj_with_mqa, a, s.kv_a);
  norm_forward(p.kv_a_layernorm, s.kv_a.columns(0, d.kv_rank), s.c_kv, s.c_kv_rstd);
  rope.rotate(s.q, d.heads, d.nope + d.rope, d.nope, rows);
  rope.rotate(s.kv_a, 1, d.rope, d.kv_rank, rows);
  const View k_rope = s.kv_a.columns(d.kv_rank, d.rope);

  if (cache && cache->form == CacheForm::kLatent) {
    ArenaScope scope(arena);
    append_latent(d, rows, forward_operand(p.kv_b_proj, s.c_kv, arena), k_rope, *cache);
    attend_absorbed(p, rows, s, arena, *cache);
  } else {
    s.kv = take(arena, dtype, t, d.heads * (d.nope + d.v));
    linear_forward(p.kv_b_proj, s.c_kv, s.kv);
    attend_expanded(p, rows, s, k_rope, cache);
  }
  linear_forward(p.o_proj, s.o, h, Store::kAdd);
}

void mla_backward(const Mla& p, const Rope& rope, const Rows& rows, const MlaSaved& s, View dy, View da, Arena& arena) {
  const MlaDims& d = p.dims;
  const int64_t t = dy.rows;
  const DType dtype = dy.dtype;
  ArenaScope scope(arena);

  // h += o Wo
  View d_o = take(arena, dtype, t, d.heads * d.v);
  linear_backward_input(p.o_proj, dy, d_o);
  linear_backward_weight(p.o_proj, s.o, dy);

  // o = softmax(...) v
  View dq = take(arena, dtype, t, s.q.cols);
  View dkv = take(arena, dtype, t, s.kv.cols);
  View dk_rope = take(arena, DType::kF32, t, d.rope);
  std::vector<AttentionSegment> segments;
  std::vector<AttentionGrad> grads;
  for (const RowSegment& r : rows.segments) {
    segments.push_back({r.n, 0, s.q.row(r.begin), s.kv.row(r.begin), s.kv_a.columns(d.kv_rank, d.rope).row(r.begin),
                        s.kv.columns(d.nope, d.v).row(r.begin), s.o.row(r.begin), s.lse + r.begin * d.heads});
    grads.push_back({d_o.row(r.begin), dq.row(r.begin), dkv.row(r.begin), dkv.columns(d.nope, d.v).row(r.begin),
                     static_cast<float*>(dk_rope.row(r.begin))});
  }
  attention_backward(expanded_shape(d, dtype, s.kv.ld, s.kv_a.ld), segments, grads);

  // kv = norm(kv_a[:kv_rank]) Wkvb; the rope half of kv_a came rotated
  View dkv_a = take(arena, dtype, t, d.kv_rank + d.rope);
  View dc_kv = take(arena, dtype, t, d.kv_rank);
  linear_backward_input(p.kv_b_proj, dkv, dc_kv);
  linear_backward_weight(p.kv_b_proj, s.c_kv, dkv);
  norm_backward(p.kv_a_layernorm, s.kv_a.columns(0, d.kv_rank), s.c_kv_rstd, dc_kv, dkv_a.columns(0, d.kv_rank), false);
  rope.rotate(dk_rope, 1, d.rope, 0, rows, true);
  if (d.rope) copy(dk_rope, dkv_a.columns(d.kv_rank, d.rope));

  // q = norm(a Wqa) Wqb, rotated
  rope.rotate(dq, d.heads, d.nope + d.rope, d.nope, rows, true);
  if (d.q_rank) {
    View dc_q = take(arena, dtype, t, d.q_rank), dc_q_raw = take(arena, dtype, t, d.q_rank);
    linear_backward_input(p.q_b_proj, dq, dc_q);
    linear_backward_weight(p.q_b_proj, s.c_q, dq);
    norm_backward(p.q_a_layernorm, s.c_q_raw, s.c_q_rstd, dc_q, dc_q_raw, false);
    linear_backward_input(p.q_a_proj, dc_q_raw, da);
    linear_backward_weight(p.q_a_proj, s.a, dc_q_raw);
  } else {
    linear_backward_input(p.q_b_proj, dq, da);
    linear_backward_weight(p.q_b_proj, s.a, dq);
  }
  linear_backward_input(p.kv_a_proj_with_mqa, dkv_a, da, Store::kAdd);
  linear_backward_weight(p.kv_a_proj_with_mqa, s.a, dkv_a);
}

}  // namespace minke
