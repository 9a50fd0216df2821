#include "kernels/attention/key_tiles.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "numeric/bf16.h"

namespace minke {
namespace {

inline void store(bf16 x, bf16* to) { *to = x; }
inline void store(float x, float* to) { *to = x; }
inline void store(bf16 x, float* to) { *to = bf16_to_f32(x); }

// x[i] to row `row + i` of a column of panels: `to` is the column's row 0.
template <class S, class D>
void put_column(const PackedLayout& p, const S* x, int64_t n, int64_t row, D* to) {
  const int64_t step = p.width * p.group;
  if (p.group == 1) {
    to += row * step;
    for (int64_t i = 0; i < n; ++i, to += step) store(x[i], to);
    return;
  }
  int64_t i = 0;
  if (row % 2 && n) store(x[i++], to + row / 2 * step + 1);
  to += (row + i) / 2 * step;
  for (; i + 2 <= n; i += 2, to += step) std::memcpy(static_cast<void*>(to), x + i, 2 * sizeof(D));  // S is D where panels hold pairs
  if (i < n) store(x[i], to);
}

// x[c] to column c of a row of one panel.
template <class S, class D>
void put_row(const PackedLayout& p, const S* __restrict x, int64_t n, int64_t row, D* __restrict to) {
  if (p.group == 1)
    for (int64_t c = 0; c < n; ++c) store(x[c], to + c);
  else if constexpr (sizeof(D) == 2) {
    // Halves of 4 bytes, the other half kept: a vector at a time instead of every second element.
    const uint32_t keep = row % 2 ? 0xFFFFu : 0xFFFF0000u;
    const int shift = row % 2 ? 16 : 0;
    char* pairs = reinterpret_cast<char*>(to - row % 2);
    for (int64_t c = 0; c < n; ++c) {
      uint32_t pair;
      std::memcpy(&pair, pairs + c * 4, 4);
      pair = (pair & keep) | uint32_t(x[c].bits) << shift;
      std::memcpy(pairs + c * 4, &pair, 4);
    }
  }
}

template <class S, class D>
void put(const AttentionShape& a, const KeyTileLayout& l, char* tile, int64_t h0, int64_t heads, int64_t at, const KeyRows& row) {
  const PackedLayout& p = l.panels;
  const S *k_nope = static_cast<const S*>(row.k_nope), *k_rope = static_cast<const S*>(row.k_rope), *v = static_cast<const S*>(row.v);
  if (l.k_split && h0 == 0) put_column(p, k_rope, a.d_rope, 0, reinterpret_cast<D*>(tile) + p.index(a.d_rope, 0, at));
  D* values = reinterpret_cast<D*>(tile + l.v_begin);
  for (int64_t h = h0; h < h0 + heads; ++h) {
    D* k = reinterpret_cast<D*>(tile + l.k_begin + h * l.k_bytes) + p.index(l.k_rows, 0, at);
    put_column(p, k_nope + h * a.k_nope_head, a.d_nope, 0, k);
    if (!l.k_split) put_column(p, k_rope, a.d_rope, a.d_nope, k);
    for (int64_t c = 0; c < a.d_v; c += p.width)
      put_row(p, v + h * a.v_head + c, std::min(a.d_v - c, p.width), at, values + p.index(kKeyTile, at, h * l.v_columns + c));
  }
}

}  // namespace

KeyTileLayout::KeyTileLayout(const AttentionShape& a) : panels(packed_layout(a.dtype)) {
  const int64_t size = int64_t(dtype_bytes(panels.stored)), width = panels.width;
  const auto whole_lines = [](int64_t n) { return (n + 63) / 64 * 64; };
  const auto k_block = [&](int64_t rows) { return whole_lines((kKeyTile + width - 1) / width * width * panels.k_padded(rows) * size); };
  k_split = a.d_rope > 0 && a.d_nope % panels.k_unit == 0 ? a.d_nope : 0;
  k_rows = k_split ? a.d_nope : a.d_nope + a.d_rope;
  // Heads narrower than a panel share one, each at a multiple of a vector's 16 columns; wider ones begin a panel.
  v_columns = a.d_v < width ? int64_t(std::bit_ceil(uint64_t(std::max<int64_t>(a.d_v, 16)))) : (a.d_v + width - 1) / width * width;
  k_begin = k_split ? k_block(a.d_rope) : 0;
  k_bytes = k_block(k_rows);
  v_begin = k_begin + a.heads * k_bytes;
  bytes = v_begin + whole_lines((a.heads * v_columns + width - 1) / width * width * panels.k_padded(kKeyTile) * size);
}

void read_tile_ahead(const AttentionShape& a, const KeyTileLayout& l, const void* tile, int64_t keys, int64_t part, int64_t parts) {
  constexpr int64_t kLine = 64, kColumns = 16;  // a step of 16 columns is a line in every layout
  const PackedLayout& p = l.panels;
  const int64_t lines = p.width / kColumns;
  const auto share = [&](int64_t n, int64_t i) { return n * i / parts; };
  // [rows, 64 positions]: of a row the lines that hold seen columns.
  const auto ask_k = [&](const void* block, int64_t rows) {
    const int64_t steps = p.k_padded(rows) / p.group;
    const char* at = static_cast<const char*>(block);
    for (int64_t seen = (keys + kColumns - 1) / kColumns; seen > 0; seen -= lines)
      for (int64_t s = 0; s < steps; ++s, at += lines * kLine)
        for (int64_t i = 0; i < std::min(lines, seen); ++i) __builtin_prefetch(at + i * kLine, 0, 2);
  };
  if (part == 0 && l.k_split) ask_k(tile, a.d_rope);
  for (int64_t h = share(a.heads, part); h < share(a.heads, part + 1); ++h) ask_k(l.k(tile, h), l.k_rows);
  // [64 positions, columns]: of a panel its first rows.
  const int64_t panels = (a.heads * l.v_columns + p.width - 1) / p.width;
  const int64_t seen_bytes = (keys + p.group - 1) / p.group * lines * kLine, panel_bytes = p.k_padded(kKeyTile) / p.group * lines * kLine;
  for (int64_t i = share(panels * lines, part); i < share(panels * lines, part + 1); ++i) {
    const char* at = static_cast<const char*>(tile) + l.v_begin + i / lines * panel_bytes;
    for (int64_t b = i % lines * seen_bytes / lines / kLine * kLine; b < (i % lines + 1) * seen_bytes / lines; b += kLine) __builtin_prefetch(at + b, 0, 2);
  }
}

void put_key(const AttentionShape& a, const KeyTileLayout& l, void* tile, int64_t h0, int64_t heads, int64_t at, const KeyRows& row) {
  char* to = static_cast<char*>(tile);
  if (a.dtype == DType::kF32)
    put<float, float>(a, l, to, h0, heads, at, row);
  else if (l.panels.stored == DType::kF32)
    put<bf16, float>(a, l, to, h0, heads, at, row);
  else
    put<bf16, bf16>(a, l, to, h0, heads, at, row);
}

}  // namespace minke
