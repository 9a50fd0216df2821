#pragma once
// The output head and its loss in one pass, in chunks of rows, so that full logits are never held.
//   logits = x Wh'      loss = sum_t w_t (-log softmax(logits_t)[target_t])
#include "layers/linear.h"

namespace minke {

struct HeadLoss {
  double nll = 0;            // sum over rows of the unweighted -log p, targets < 0 left out
  int64_t rows = 0;          // that count in it
};

// x [T, D] of compute dtype; targets [T]; scale [T] is each row's weight in the total loss. nll_out [T] or null.
// d_x [T, D] f32 (or an empty view: forward only) is overwritten, and the head's dw added to.
HeadLoss head_loss(const Linear& head, View x, const int32_t* targets, const float* scale, float* nll_out, View d_x, Arena& arena);

int64_t head_chunk_rows(int64_t vocab);  // rows whose logits are held at once; depends on the vocabulary alone

}  // namespace minke
