#pragma once
// y = x W', W [out, in] as published. No biases anywhere (DeepSeek-V3 report section 2.1).
//   forward   y  = x W'       dx = dy W       dW += dy' x
// Input gradient and weight gradient are separate calls, so that a schedule may move them.
#include <span>

#include "kernels/gemm/gemm.h"
#include "layers/recipe.h"
#include "tensor/view.h"

namespace minke {

// What a layer needs of a matrix: its packed forms, and where its gradient goes. Owned by the model.
struct Linear {
  int64_t in = 0, out = 0;
  DType dtype = DType::kF32;
  const void* w_forward = nullptr;   // W' packed, k = in
  const void* w_backward = nullptr;  // W packed, k = out; null unless training
  float* dw = nullptr;               // [out, in]; null unless training
  const Recipe* recipe = nullptr;    // that rounds x and dy to FP8, as the packed forms are already; null: none does
};

// x as the forward multiplies it: x itself, or its FP8 values in memory of the arena.
View forward_operand(const Linear& p, View x, Arena& arena);

void linear_forward(const Linear& p, View x, View y, Store store = Store::kSet);
void linear_backward_input(const Linear& p, View dy, View dx, Store store = Store::kSet);
void linear_backward_weight(const Linear& p, View x, View dy);

// A group of equal matrices (experts): rows offsets[e] .. offsets[e+1] of x go through p[e].
void grouped_forward(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View y);
void grouped_backward_input(std::span<const Linear> p, std::span<const int64_t> offsets, View dy, View dx);
void grouped_backward_weight(std::span<const Linear> p, std::span<const int64_t> offsets, View x, View dy);

}  // namespace minke
