#pragma once
// Multi-head latent attention. DeepSeek-V3 report section 2.1.1, eq. 1-11; T rows, H heads.
//   c_q  = norm(a Wqa)             [T, q_rank]             q_a_proj, q_a_layernorm
//   q    = c_q Wqb                 [T, H (nope + rope)]    q_b_proj (q_proj straight from a where q_rank is 0)
//   kv_a = a Wkva                  [T, kv_rank + rope]     kv_a_proj_with_mqa
//   c_kv = norm(kv_a[:kv_rank])    [T, kv_rank]            kv_a_layernorm;    k_r = kv_a[kv_rank:], not normalised
//   kv   = c_kv Wkvb               [T, H (nope + v)]       kv_b_proj: per head nope keys, then v values
//   q's last `rope` elements per head and k_r (one for all heads) are rotated
//   o    = softmax(scale (q_n k_n' + q_r k_r')) v          [T, H v]
//   h   += o Wo                                            o_proj
// Absorbed form, for the latent cache (V2 report section 2.1.2): per head qa = q_n Wuk, keys (c_kv, k_r), u = p c_kv, o = u Wuv'.
// In FP8 the cached c_kv is rounded as kv_b_proj's input is; q_n and u are attention's and are not.
#include <span>

#include "layers/kv_cache.h"
#include "layers/linear.h"
#include "layers/norm.h"
#include "layers/rope.h"

namespace minke {

struct MlaDims {
  int64_t heads = 0, q_rank = 0, kv_rank = 0, nope = 0, rope = 0, v = 0;
  float scale = 1;
};

struct Mla {
  MlaDims dims;
  Linear q_a_proj, q_b_proj;  // q_rank 0: q_b_proj is the published q_proj
  Norm q_a_layernorm, kv_a_layernorm;
  Linear kv_a_proj_with_mqa, kv_b_proj, o_proj;
  // kv_b_proj's halves per head, for the absorbed form.
  const void* const* w_uk = nullptr;  // [H] packed, k = nope, n = kv_rank
  const void* const* w_uv = nullptr;  // [H] packed, k = kv_rank, n = v
};

// Bytes of one layer's tile of a page (layers/kv_cache.h), a multiple of 64.
int64_t cache_tile_bytes(const MlaDims& d, DType dtype, CacheForm form);

// The named values of one pass; training keeps them for the backward.
struct MlaSaved {
  View a;                       // [T, D] the normed input (not owned)
  View c_q_raw, c_q;            // [T, q_rank]
  View q;                       // [T, H (nope + rope)], rotated
  View kv_a;                    // [T, kv_rank + rope], k_r rotated in place
  View c_kv;                    // [T, kv_rank]
  View kv;                      // [T, H (nope + v)]
  View o;                       // [T, H v]
  float *c_q_rstd = nullptr, *c_kv_rstd = nullptr, *lse = nullptr;
};

// h [T, D] f32 gains the layer's output. With a cache, the rows' keys are appended to it first.
void mla_forward(const Mla& p, const Rope& rope, const Rows& rows, View a, View h, MlaSaved& s, Arena& arena, const CacheView* cache);
// dy [T, D] of compute dtype is the gradient of the layer's output; da [T, D] f32 is overwritten.
void mla_backward(const Mla& p, const Rope& rope, const Rows& rows, const MlaSaved& s, View dy, View da, Arena& arena);

}  // namespace minke
