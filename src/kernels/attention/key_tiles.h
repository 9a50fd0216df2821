#pragma once
// A cache's keys and values, packed tile by tile as the right-hand sides of attention's products: a query reads a tile where it lies,
// and a new position is written into its column of K and its row of V. A tile of kKeyTile positions, in the chosen variant's panels:
//   per head K [d_nope + d_rope, 64 positions], k_rope repeated for each head
//   V [64 positions, heads * v_columns], a head's values at column h * v_columns
// Positions never written must be zero bytes: what a padded product multiplies with them has to stay finite.
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"

namespace minke {

struct KeyTileLayout {
  explicit KeyTileLayout(const AttentionShape& shape);  // looks at dtype, heads and widths

  PackedLayout panels;
  int64_t d = 0;            // of a key: d_nope + d_rope
  int64_t v_columns = 0;    // columns that a head's values take: panels are not left half empty by narrow heads
  int64_t k_bytes = 0;      // of one head's K
  int64_t v_begin = 0;      // byte where V starts
  int64_t bytes = 0;        // of a tile, a multiple of 64

  int64_t heads_per_panel() const { return v_columns < panels.width ? panels.width / v_columns : 1; }
  const void* k(const void* tile, int64_t head) const { return static_cast<const char*>(tile) + head * k_bytes; }
  const void* v(const void* tile, int64_t head) const {
    return static_cast<const char*>(tile) + v_begin + panels.index(kKeyTile, 0, head * v_columns) * int64_t(dtype_bytes(panels.stored));
  }
};

// Writes a position's key and value of one head as place `at` of a tile.
void put_key(const AttentionShape& shape, const KeyTileLayout& layout, void* tile, int64_t head, int64_t at, const void* k_nope, const void* k_rope,
             const void* v);

}  // namespace minke
