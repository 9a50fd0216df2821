#pragma once
// One pre-norm block. DeepSeek-V3 report, section 2.1; h is the residual stream, f32 in every precision.
//   h += MLA(norm(h; input_layernorm))      h += FFN(norm(h; post_attention_layernorm))      FFN: SwiGLU or DeepSeekMoE
#include "layers/mla.h"
#include "layers/mlp.h"
#include "layers/moe.h"
#include "layers/norm.h"

namespace minke {

struct Block {
  Norm input_layernorm, post_attention_layernorm;
  Mla self_attn;
  bool is_moe = false;
  Mlp mlp;   // dense
  Moe moe;   // is_moe
};

struct BlockSaved {
  View h_attn, h_ffn;  // [T, D] f32: the residual stream as each norm saw it (training only)
  View a, u;           // [T, D]: after each norm
  float *a_rstd = nullptr, *u_rstd = nullptr;
  MlaSaved attn;
  MlpSaved mlp;
  MoeSaved moe;
};

// h [T, D] f32, in place. keep_residual: for a backward to come. replay is read by a MoE block.
void block_forward(const Block& p, const Rope& rope, const Rows& rows, DType dtype, View h, BlockSaved& s, Arena& arena, const CacheView* cache,
                   bool keep_residual, const ExpertReplay& replay = {});
// dh [T, D] f32, in place. Returns the balance loss.
double block_backward(const Block& p, const Rope& rope, const Rows& rows, const BlockSaved& s, const BalanceLoss& balance, View dh, Arena& arena);

}  // namespace minke
