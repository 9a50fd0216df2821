#pragma once
// What a layer remembers of earlier positions, one segment each. Two forms:
//   expanded: kv_b_proj's output [H, nope + v] and k_rope: attention then reads exactly what training reads
//   latent:   c_kv after its norm [kv_rank] and k_rope: 576 numbers a token in V3; attention runs absorbed (V2 report, section 2.1.2)
#include <cstdint>

#include "tensor/view.h"

namespace minke {

enum class CacheForm : uint8_t { kExpanded, kLatent };

// One segment's cache of one layer; rows are positions.
struct LayerCache {
  View kv;      // expanded [capacity, H (nope + v)], latent [capacity, kv_rank]
  View k_rope;  // [capacity, rope]
};

// The caches of the segments of a pass, in the order of Rows::segments.
struct CacheView {
  CacheForm form = CacheForm::kExpanded;
  const LayerCache* segments = nullptr;
};

}  // namespace minke
