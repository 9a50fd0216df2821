#pragma once
// Precision recipes: how the operands of a linear layer's three products are rounded before they are multiplied. One row a recipe.
//   forward  y  = Q(x) Q(W)'     dgrad  dx = Q(dy) Q(W)     wgrad  dW += Q'(dy)' Q'(x)     sums in f32 (report, section 3.3)
// Q rounds activations and gradients in tiles along a row, Q' in tiles along the tokens, counted from an expert's first row; weights in
// blocks, from their f32 masters, the same values in both directions. Q' starts from the bf16 values again, not from Q's. Embedding, head,
// routers, eh_proj, norms and attention's core are not rounded to FP8 in any recipe.
#include <span>
#include <string_view>

#include "kernels/fp8/fake_quantise.h"

namespace minke {

enum class Fp8Scope : uint8_t {
  kNone,    // no FP8
  kTiles,   // tiles 1 x 128 and 128 x 1, weight blocks 128 x 128, as DeepSeek-V3
  kTensor,  // one scale a tensor, as Transformer Engine's current scaling
};

struct Recipe {
  const char* name;                            // in configs and on the command line
  DType compute;                               // of the values between layers; products multiply it
  Fp8Scope scope = Fp8Scope::kNone;
  Fp8Grid forward = Fp8Grid::kE4M3;            // of x and W
  Fp8Grid gradients = Fp8Grid::kE4M3;          // of dy, in dgrad and wgrad
  bool row_alone = true;                       // a row's result depends on that row and the weights alone (docs/invariance.md)

  bool fp8() const { return scope != Fp8Scope::kNone; }
};

std::span<const Recipe> recipes();
const Recipe& recipe_named(std::string_view name);  // Error on another name
const Recipe& recipe_of(DType compute);             // the plain one

}  // namespace minke
