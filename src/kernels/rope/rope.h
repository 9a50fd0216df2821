#pragma once
// Rotary position embedding of the last d elements of a head, in place. Pairs are interleaved (2i, 2i+1), as the published
// DeepSeek weights want, or half-split (i, i + d/2). DeepSeek-V2 report, section 2.1.3.
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

enum class RopeLayout : uint8_t { kInterleaved, kHalfSplit };

// x: `rows` rows of row stride ld elements, `heads` heads of stride ld_head, d elements each.
// cos_sin [max_position, d]: cos of pair i at [p, 2i], sin at [p, 2i+1]. position of row r: positions[r].
// inverse rotates by the negative angle: the gradient of the forward.
void rope_rotate(RopeLayout layout, DType dtype, int64_t rows, int64_t heads, int64_t d, void* x, int64_t ld, int64_t ld_head, const float* cos_sin,
                 const int32_t* positions, bool inverse);

}  // namespace minke
