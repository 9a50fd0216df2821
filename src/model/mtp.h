#pragma once
// A multi-token prediction module. DeepSeek-V3 report section 2.2, with the released weights' order of the halves:
//   x = eh_proj [ enorm(Emb(t_{i+k})) ; hnorm(h_i) ]      h_i: the main model's hidden state (after model.norm by default), or the
//   x = Block(x)                                           previous module's after its own shared_head.norm
//   logits = head(norm(x; shared_head.norm))               predict t_{i+k+1}; embedding and head are the main model's
#include "model/block.h"

namespace minke {

struct MtpModule {
  Norm enorm, hnorm;
  Linear eh_proj;  // in 2D, out D
  Block block;
  Norm shared_head_norm;
};

struct MtpSaved {
  View emb;        // [T, D] f32
  View h_in;       // [T, D] the hidden state given (not owned)
  View pair;       // [T, 2D]
  View h;          // [T, D] f32: the block's output
  View out;        // [T, D] after shared_head.norm
  float *e_rstd = nullptr, *h_rstd = nullptr, *out_rstd = nullptr;
  BlockSaved block;
};

// h_in [T, D]: f32 (pre-norm) or compute dtype (post-norm). ids_ahead [T]: the token k places after each row.
void mtp_forward(const MtpModule& p, const Rope& rope, const Rows& rows, DType dtype, const void* table, const int32_t* ids_ahead, View h_in,
                 MtpSaved& s, Arena& arena, bool keep_residual);
// dh [T, D] f32: gradient of s.h on entry. Adds to dh_in [T, D] f32 and to d_table.
double mtp_backward(const MtpModule& p, const Rope& rope, const Rows& rows, const int32_t* ids_ahead, const MtpSaved& s,
                    const BalanceLoss& balance, View dh, View dh_in, float* d_table, Arena& arena);

}  // namespace minke
