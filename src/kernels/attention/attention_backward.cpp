#include <algorithm>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_internal.h"
#include "kernels/gemm/gemm.h"
#include "kernels/math/isa_variants.h"

#define MINKE_VARIANT_LOOPS "kernels/attention/attention_backward_loops.inc"
#include "kernels/math/isa_variants.inc"

// Tiles of scores are recomputed with keys down and queries across: P' and dS' are then the left sides of dV = P' dO and dK = dS' Q as
// they stand, lse and delta lie along the vectors, and only dS is turned for dQ = dS K.
// Order of sums: a key tile adds its query blocks from the diagonal on; a query block adds its key tiles from the first on.
namespace minke {
namespace {

constexpr int64_t kQueryBlock = kKeyTile;

struct Loops {
  decltype(MINKE_VARIANT(score_gradient)) score_gradient = MINKE_VARIANT(score_gradient);
  decltype(MINKE_VARIANT(transpose_tile)) transpose = MINKE_VARIANT(transpose_tile);
  decltype(MINKE_VARIANT(row_dots)) dots = MINKE_VARIANT(row_dots);
  Bf16Encoder encode = bf16_encoder();
};

// A block of queries as the four right-hand sides.
struct QueryBlock {
  int64_t rows;
  void* q_t;    // [d, rows]
  void* q;      // [rows, d]
  void* do_t;   // [d_v, rows]
  void* d_o;    // [rows, d_v]
};

QueryBlock take_queries(DType t, int64_t rows, int64_t d, int64_t d_v, Arena& arena) {
  return {rows, arena.take(size_t(packed_b_bytes(t, d, rows))), arena.take(size_t(packed_b_bytes(t, rows, d))),
          arena.take(size_t(packed_b_bytes(t, d_v, rows))), arena.take(size_t(packed_b_bytes(t, rows, d_v)))};
}

void pack_queries(DType t, const QueryBlock& b, const char* q, int64_t q_row, int64_t d, const char* d_o, int64_t o_row, int64_t d_v) {
  pack_b(t, d, b.rows, q, t, 1, q_row, b.q_t);
  pack_b(t, b.rows, d, q, t, q_row, 1, b.q);
  pack_b(t, d_v, b.rows, d_o, t, 1, o_row, b.do_t);
  pack_b(t, b.rows, d_v, d_o, t, o_row, 1, b.d_o);
}

// d_k_rope: this head's part, [n, d_rope] in f32.
void backward_head(const AttentionShape& a, const AttentionSegment& s, const AttentionGrad& g, int64_t h, float* d_k_rope) {
  const DType t = a.dtype;
  const bool is_bf16 = t == DType::kBF16;
  const int64_t bytes = int64_t(dtype_bytes(t)), d = a.d_nope + a.d_rope, n = s.n_q;
  const int64_t blocks = (n + kQueryBlock - 1) / kQueryBlock, padded = blocks * kQueryBlock;
  const char* q = element(s.q, h * a.q_head, bytes);
  const char* v = element(s.v, h * a.v_head, bytes);
  const char* o = element(s.o, h * a.o_head, bytes);
  const char* d_o = element(g.d_o, h * a.o_head, bytes);
  Arena& arena = thread_arena();
  ArenaScope scope(arena);
  const Loops loops;

  float* lse = arena.take<float>(padded);
  float* delta = arena.take<float>(padded);
  std::vector<QueryBlock> queries;
  for (int64_t i = 0; i < blocks; ++i) queries.push_back(take_queries(t, std::min(kQueryBlock, n - i * kQueryBlock), d, a.d_v, arena));
  char* k = arena.take<char>(kKeyTile * d * bytes);                         // [64, d]
  void* k_packed = arena.take(size_t(packed_b_bytes(t, kKeyTile, d)));      // at most [64 keys, d]
  float* scores = arena.take<float>(kKeyTile * kQueryBlock);                // [keys, 64 queries], as the next three; p after score_gradient
  float* dp = arena.take<float>(kKeyTile * kQueryBlock);                    // ds after it
  void* p = is_bf16 ? arena.take<bf16>(kKeyTile * kQueryBlock) : static_cast<void*>(scores);
  void* ds = is_bf16 ? arena.take<bf16>(kKeyTile * kQueryBlock) : static_cast<void*>(dp);
  void* ds_t = arena.take(size_t(kKeyTile * kQueryBlock * bytes));          // [queries, 64 keys]
  float* dk = arena.take<float>(kKeyTile * d);
  float* dv = arena.take<float>(kKeyTile * a.d_v);
  float* dq = arena.take<float>(n * d);
  if (dry_run()) return;

  std::fill_n(lse, padded, 0.0f);
  std::fill_n(delta, padded, 0.0f);
  for (int64_t i = 0; i < n; ++i) lse[i] = s.lse[i * a.heads + h];
  loops.dots(d_o, o, a.o_row, n, a.d_v, is_bf16, delta);
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t from = i * kQueryBlock;
    pack_queries(t, queries[size_t(i)], element(q, from * a.q_row, bytes), a.q_row, d, element(d_o, from * a.o_row, bytes), a.o_row, a.d_v);
  }
  for (int64_t j = 0; j < blocks; ++j) {
    const int64_t from = j * kKeyTile, keys = std::min(kKeyTile, n - from);
    copy_keys(a, key_rows(a, s, from), h, keys, keys, k);
    pack_b(t, keys, d, k, t, d, 1, k_packed);
    for (int64_t i = j; i < blocks; ++i) {
      const QueryBlock& b = queries[i];
      const int64_t q0 = i * kQueryBlock;
      gemm_serial({.dtype = t, .n = b.rows, .k = d}, {.m = keys, .a = k, .lda = d, .b = b.q_t, .c = scores, .ldc = kQueryBlock});
      gemm_serial({.dtype = t, .n = b.rows, .k = a.d_v},
                  {.m = keys, .a = element(v, from * a.v_row, bytes), .lda = a.v_row, .b = b.do_t, .c = dp, .ldc = kQueryBlock});
      loops.score_gradient(scores, dp, lse + q0, delta + q0, keys, int32_t(b.rows), i == j, a.scale);
      if (is_bf16) {
        loops.encode(scores, static_cast<bf16*>(p), keys * kQueryBlock);
        loops.encode(dp, static_cast<bf16*>(ds), keys * kQueryBlock);
      }
      loops.transpose(ds, is_bf16, ds_t);
      const Store to_key = i == j ? Store::kSet : Store::kAdd, to_query = j == 0 ? Store::kSet : Store::kAdd;
      gemm_serial({.dtype = t, .n = a.d_v, .k = b.rows, .store = to_key},
                  {.m = keys, .a = p, .lda = kQueryBlock, .b = b.d_o, .c = dv, .ldc = a.d_v});
      gemm_serial({.dtype = t, .n = d, .k = b.rows, .store = to_key},
                  {.m = keys, .a = ds, .lda = kQueryBlock, .b = b.q, .c = dk, .ldc = d});
      gemm_serial({.dtype = t, .n = d, .k = keys, .store = to_query},
                  {.m = b.rows, .a = ds_t, .lda = kKeyTile, .b = k_packed, .c = dq + q0 * d, .ldc = d});
    }
    store_rows(dk, d, keys, a.d_nope, t, element(g.d_k_nope, from * a.k_nope_row + h * a.k_nope_head, bytes), a.k_nope_row);
    store_rows(dk + a.d_nope, d, keys, a.d_rope, DType::kF32, d_k_rope + from * a.d_rope, a.d_rope);
    store_rows(dv, a.d_v, keys, a.d_v, t, element(g.d_v, from * a.v_row + h * a.v_head, bytes), a.v_row);
  }
  store_rows(dq, d, n, d, t, element(g.d_q, h * a.q_head, bytes), a.q_row);
}

}  // namespace

void attention_backward(const AttentionShape& a, std::span<const AttentionSegment> segments, std::span<const AttentionGrad> grads) {
  MINKE_CHECK_EQ(segments.size(), grads.size());
  const KernelScope kernel("attention backward", 2 * pairs(a, segments) * double(3 * (a.d_nope + a.d_rope) + 2 * a.d_v), 0);
  MINKE_CHECK(a.heads == 1 || (a.k_nope_head != 0 && a.v_head != 0));  // a head's gradients need room of their own
  Arena& arena = thread_arena();
  ArenaScope scope(arena);
  std::vector<float*> rope_parts;                                      // [heads, n, d_rope] of each segment
  for (const AttentionSegment& s : segments) {
    MINKE_CHECK(s.first == 0 && s.lse != nullptr);
    rope_parts.push_back(arena.take<float>(a.heads * s.n_q * a.d_rope));
  }
  parallel_for(int64_t(segments.size()) * a.heads, [&](int64_t task) {
    const int64_t i = task / a.heads, h = task % a.heads;
    if (segments[i].n_q > 0) backward_head(a, segments[i], grads[i], h, rope_parts[i] + h * segments[i].n_q * a.d_rope);
  });
  if (a.d_rope == 0 || kernel.dry()) return;
  parallel_for(int64_t(segments.size()), [&](int64_t i) {
    const int64_t n = segments[i].n_q * a.d_rope;
    float* sum = grads[i].d_k_rope;
    std::copy_n(rope_parts[i], n, sum);
    for (int64_t h = 1; h < a.heads; ++h)
      for (int64_t c = 0; c < n; ++c) sum[c] += rope_parts[i][h * n + c];
  });
}

}  // namespace minke
