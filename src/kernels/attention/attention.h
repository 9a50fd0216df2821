#pragma once
// Causal attention with key and value widths of their own, in flash form: scores are never held whole.
//   s_ij = scale (q_nope_i · k_nope_j + q_rope_i · k_rope_j)   for j <= i
//   o_i  = sum_j softmax_j(s_i) v_j        lse_i = log sum_j exp(s_ij)
// DeepSeek-V3 report section 2.1.1: k_rope is one vector per token shared by all heads (its head stride is 0). The absorbed form
// (k_nope = v = the latent, head strides 0) is the same function.
//
// Invariance: keys are walked in tiles of kKeyTile counted from the segment's first token (position 0), merged in that order;
// a query row's o and lse depend on that row and its keys alone, whether it comes alone (decode), in a chunk or in training. Within a
// tile a row has its own max m_t, sum l_t and o_t = P v; then o = o exp(m - m') + o_t exp(m_t - m'). Memory behind the segment's last
// key is never looked at; keys of the segment must be finite, later ones than the query too.
#include <cstdint>
#include <span>

#include "numeric/dtype.h"

namespace minke {

inline constexpr int64_t kKeyTile = 64;

// Where earlier keys lie: in memory as the new ones do (training), or in pages of one tile each.
enum class KeyStore : uint8_t {
  kRows,         // one block of rows per segment
  kPagedRows,    // pages of rows: k_nope's at byte 0, k_rope's and v's at bytes of their own
  kPagedTiles,   // pages of packed tiles (key_tiles.h); the queries' own keys are written into them first
};

struct AttentionShape {
  DType dtype;                      // of q, k, v, o: f32 or bf16; scores and sums are f32, probabilities are rounded to dtype
  int64_t heads = 0;
  int64_t d_nope = 0, d_rope = 0, d_v = 0;
  float scale = 1;
  // Strides in elements. A head of q is d_nope then d_rope elements, contiguous.
  int64_t q_row = 0, q_head = 0;
  int64_t k_nope_row = 0, k_nope_head = 0;
  int64_t k_rope_row = 0;           // d_rope may be 0
  int64_t v_row = 0, v_head = 0;
  int64_t o_row = 0, o_head = 0;
  KeyStore keys = KeyStore::kRows;
  int64_t page_tile = 0;            // byte of a page where its tile starts
  int64_t page_k_rope = 0, page_v = 0;  // kPagedRows: bytes from there
};

// One segment: its keys 0 .. first + n_q - 1, and queries at positions first .. first + n_q - 1.
struct AttentionSegment {
  int64_t n_q = 0, first = 0;
  const void* q = nullptr;          // row of the first query
  const void* k_nope = nullptr;     // row of position 0; kPagedTiles: of the first query, as k_rope and v; kPagedRows: not looked at
  const void* k_rope = nullptr;
  const void* v = nullptr;
  void* o = nullptr;                // row of the first query
  float* lse = nullptr;             // [n_q, heads], or null
  void* const* pages = nullptr;     // paged: those of positions 0 .. first + n_q - 1
};
void attention_forward(const AttentionShape& shape, std::span<const AttentionSegment> segments);

// Backward of whole segments (first = 0), every head with keys and values of its own. d* have the strides of what they are gradients
// of and are overwritten; d_k_rope is f32, the sum over heads in head order. Keys and queries are walked in a fixed order by one
// thread per (segment, head), so results do not depend on the thread count.
struct AttentionGrad {
  const void* d_o = nullptr;
  void* d_q = nullptr;
  void* d_k_nope = nullptr;
  void* d_v = nullptr;
  float* d_k_rope = nullptr;        // [n, d_rope] with row stride d_rope
};
// o and lse as attention_forward left them.
void attention_backward(const AttentionShape& shape, std::span<const AttentionSegment> segments, std::span<const AttentionGrad> grads);

}  // namespace minke
