#pragma once
// A cache's keys and values, packed tile by tile as the right-hand sides of attention's products: a query reads a tile where it lies,
// and a new position is written into its column of K and its row of V. A tile of kKeyTile positions, in the chosen variant's panels:
//   K_rope [d_rope, 64 positions], shared by all heads
//   per head K_nope [d_nope, 64 positions]
//   V [64 positions, heads * v_columns], a head's values at column h * v_columns
// Where K_nope does not end with a whole step of the variant's products (PackedLayout::k_unit), heads keep [K_nope; K_rope] in one block.
// Positions never written must be zero bytes: what a padded product multiplies with them has to stay finite.
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"

namespace minke {

struct KeyTileLayout {
  explicit KeyTileLayout(const AttentionShape& shape);  // looks at dtype, heads and widths

  PackedLayout panels;
  int64_t k_rows = 0;       // of a head's own block: d_nope, or d_nope + d_rope
  int64_t k_split = 0;      // GemmShape::k_split of products with K: d_nope if the heads share K_rope, else 0
  int64_t v_columns = 0;    // columns that a head's values take: panels are not left half empty by narrow heads
  int64_t k_begin = 0;      // byte where the heads' blocks start, behind the shared K_rope
  int64_t k_bytes = 0;      // of one head's block
  int64_t v_begin = 0;      // byte where V starts
  int64_t bytes = 0;        // of a tile, a multiple of 64

  const void* k(const void* tile, int64_t head) const { return static_cast<const char*>(tile) + k_begin + head * k_bytes; }
  const void* k_rope(const void* tile) const { return k_split ? tile : nullptr; }
  const void* v(const void* tile, int64_t head) const {
    return static_cast<const char*>(tile) + v_begin + panels.index(kKeyTile, 0, head * v_columns) * int64_t(dtype_bytes(panels.stored));
  }
};

// Rows of keys and values, of all heads, that may follow one another.
struct KeyRows {
  const void *k_nope, *k_rope, *v;
};
// Writes those of heads h0 .. h0 + heads as place `at` of a tile. The shared K_rope comes with head 0.
void put_key(const AttentionShape& shape, const KeyTileLayout& layout, void* tile, int64_t h0, int64_t heads, int64_t at, const KeyRows& row);

// Asks for part `part` of `parts` of what a query that sees the first `keys` positions will read of a tile.
void read_tile_ahead(const AttentionShape& shape, const KeyTileLayout& layout, const void* tile, int64_t keys, int64_t part, int64_t parts);

}  // namespace minke
