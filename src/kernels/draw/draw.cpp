#include "kernels/draw/draw.h"

#include <algorithm>

#include "kernels/math/isa_variants.h"

#define MINKE_VARIANT_LOOPS "kernels/draw/draw_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

int64_t largest_entry(int64_t n, const float* x) {
  const float top = MINKE_VARIANT(largest)(x, n);
  const int64_t at = std::find(x, x + n, top) - x;
  return at < n ? at : std::max_element(x, x + n, [](float a, float b) { return a < b || (a != a && b == b); }) - x;
}

double draw_weights(int64_t n, const float* x, float temperature, float* weights, float* sums) {
  MINKE_VARIANT(weigh_row)(x, n, MINKE_VARIANT(largest)(x, n), temperature, weights, sums);
  double sum = 0;
  for (int64_t c = 0; c < draw_chunks(n); ++c) sum += double(sums[c]);
  return sum;
}

int64_t draw_at(int64_t n, const float* weights, const float* sums, double at) {
  for (int64_t c = 0; c < draw_chunks(n); ++c) {
    if (at >= double(sums[c])) {
      at -= double(sums[c]);
      continue;
    }
    // A chunk's own order of summing may leave a rest behind its last entry: that is the last entry's.
    for (int64_t i = c * kDrawChunk, end = std::min(n, i + kDrawChunk); i < end; ++i)
      if ((at -= double(weights[i])) < 0) return i;
    for (int64_t i = std::min(n, (c + 1) * kDrawChunk); i-- > c * kDrawChunk;)
      if (weights[i] > 0) return i;
  }
  for (int64_t i = n; i-- > 0;)
    if (weights[i] > 0) return i;
  return 0;
}

}  // namespace minke
