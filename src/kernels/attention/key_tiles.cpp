#include "kernels/attention/key_tiles.h"

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

template <class S, class D>
void put(const AttentionShape& a, const KeyTileLayout& l, char* tile, int64_t head, int64_t at, const S* k_nope, const S* k_rope, const S* v) {
  const PackedLayout& p = l.panels;
  D* k = reinterpret_cast<D*>(tile + head * l.k_bytes) + p.index(l.d, 0, at);
  put_column(p, k_nope, a.d_nope, 0, k);
  put_column(p, k_rope, a.d_rope, a.d_nope, k);
  D* values = reinterpret_cast<D*>(tile + l.v_begin);
  for (int64_t c = 0; c < a.d_v;) {
    D* to = values + p.index(kKeyTile, at, head * l.v_columns + c);
    for (const int64_t end = std::min(a.d_v, c + p.width); c < end; ++c, to += p.group) store(v[c], to);
  }
}

}  // namespace

KeyTileLayout::KeyTileLayout(const AttentionShape& a) : panels(packed_layout(a.dtype)), d(a.d_nope + a.d_rope) {
  const int64_t size = int64_t(dtype_bytes(panels.stored)), width = panels.width;
  // Heads narrower than a panel share one, each at a multiple of a vector's 16 columns; wider ones begin a panel.
  v_columns = a.d_v < width ? int64_t(std::bit_ceil(uint64_t(std::max<int64_t>(a.d_v, 16)))) : (a.d_v + width - 1) / width * width;
  const auto whole_lines = [](int64_t n) { return (n + 63) / 64 * 64; };
  k_bytes = whole_lines((kKeyTile + width - 1) / width * width * panels.k_padded(d) * size);
  v_begin = a.heads * k_bytes;
  bytes = v_begin + whole_lines((a.heads * v_columns + width - 1) / width * width * panels.k_padded(kKeyTile) * size);
}

void put_key(const AttentionShape& a, const KeyTileLayout& l, void* tile, int64_t head, int64_t at, const void* k_nope, const void* k_rope,
             const void* v) {
  char* to = static_cast<char*>(tile);
  if (a.dtype == DType::kF32)
    put<float, float>(a, l, to, head, at, static_cast<const float*>(k_nope), static_cast<const float*>(k_rope), static_cast<const float*>(v));
  else if (l.panels.stored == DType::kF32)
    put<bf16, float>(a, l, to, head, at, static_cast<const bf16*>(k_nope), static_cast<const bf16*>(k_rope), static_cast<const bf16*>(v));
  else
    put<bf16, bf16>(a, l, to, head, at, static_cast<const bf16*>(k_nope), static_cast<const bf16*>(k_rope), static_cast<const bf16*>(v));
}

}  // namespace minke
