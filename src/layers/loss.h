#pragma once
// The output head and its loss in one pass, in chunks of rows, so that full logits are never held.
//   logits = x Wh'      loss = sum_t w_t (-log softmax(logits_t)[target_t])
#include <functional>

#include "layers/linear.h"

namespace minke {

// What each row should predict and how much it counts.
struct HeadTargets {
  const int32_t* ids = nullptr;      // [T]; < 0: the row counts for nothing
  float* scale = nullptr;            // [T] weight in the total loss: its derivative with respect to the row's nll
  float temperature = 1;             // nll is -log softmax(logits / temperature)[id], here as in the engine (kernels/loss)
  // May rewrite the scale of rows [begin, begin + n) once their nll is known: losses that are functions of log p (GRPO). May be empty.
  std::function<void(int64_t begin, int64_t n, const float* nll, float* scale)> reweigh;
};

// Returns how many rows have a target. x [T, D] of compute dtype; nll [T].
// d_x [T, D] f32 (or an empty view: forward only) is overwritten, and the head's dw added to.
int64_t head_loss(const Linear& head, View x, const HeadTargets& targets, float* nll, View d_x, Arena& arena);

int64_t head_chunk_rows(int64_t vocab);  // rows whose logits are held at once; depends on the vocabulary alone

}  // namespace minke
