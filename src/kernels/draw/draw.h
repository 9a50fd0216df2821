#pragma once
// A draw from a row of logits: P(i) = exp((x_i - max x) / T) / sum. Weights and their sums by chunk are f32, the sum over chunks is f64 in
// order: the same draw on every ISA.
#include <cstdint>

namespace minke {

inline constexpr int64_t kDrawChunk = 256;
inline int64_t draw_chunks(int64_t n) { return (n + kDrawChunk - 1) / kDrawChunk; }

// The place of the first largest entry; NaN entries are passed over.
int64_t largest_entry(int64_t n, const float* x);

// weights [n] = exp((x - max) / temperature), temperature > 0; sums [draw_chunks(n)] of the chunks. Returns the sum of all: NaN if an
// entry is, or if all are -inf.
double draw_weights(int64_t n, const float* x, float temperature, float* weights, float* sums);

// The entry at which the running sum of weights passes `at`, 0 <= at < sum; where rounding leaves none, the last one that weighs anything.
int64_t draw_at(int64_t n, const float* weights, const float* sums, double at);

}  // namespace minke
