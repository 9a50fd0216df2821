#pragma once
// What layers remember of earlier positions, in pages of kKeyTile positions: a tile for every layer, one after the other. Two forms:
//   expanded: kv_b_proj's output [H, nope + v] and k_rope, packed for attention's products (kernels/attention/key_tiles.h): attention
//             then reads exactly what training reads
//   latent:   rows of c_kv after its norm [kv_rank], then rows of k_rope: 576 numbers a token in V3; attention runs absorbed (V2 report,
//             section 2.1.2)
// A page is written by one segment only, at positions in order; a page read by several is never written. A fresh page is zero bytes.
#include <cstdint>

#include "tensor/view.h"

namespace minke {

enum class CacheForm : uint8_t { kExpanded, kLatent };

// The pages of a pass, as one layer sees them.
struct CacheView {
  CacheForm form = CacheForm::kExpanded;
  int64_t tile = 0;                       // byte of a page where the layer's tile starts
  void* const* const* segments = nullptr; // [Rows::segments][pages that cover the segment's positions, the new ones included]
};

}  // namespace minke
