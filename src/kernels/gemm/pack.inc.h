// Packing with vectors, the layouts of pack_panels(kPanelWidth, 1, ...) in floats and of pack_panels(kPanelWidth, 2, ...) in bf16: a
// step of a panel is kPanelWidth words of 32 bits, one float or a pair of bf16. Included after a Simd and MINKE_PANEL_WIDTH. Whole tiles of kLanes words by kLanes steps
// go through registers; edges go through the portable loops, element by element.

constexpr int64_t kPanelWidth = MINKE_PANEL_WIDTH;
#undef MINKE_PANEL_WIDTH

template <class D>
struct Packed;  // how words of a D panel come from a source

template <>
struct Packed<float> {
  static constexpr int64_t kPerStep = 1;
  static Simd::I along_k(const float* p) { return Simd::load_bits(p); }
  static Simd::I along_k(const bf16* p) {
    alignas(64) float wide[Simd::kLanes];
    Simd::widen(p, wide);
    return Simd::load_bits(wide);
  }
  template <class S>
  static Simd::I along_n(const S* p, int64_t) {
    return along_k(p);
  }
};

template <>
struct Packed<bf16> {
  static constexpr int64_t kPerStep = 2;
  static Simd::I along_k(const bf16* p) { return Simd::load_bits(p); }
  static Simd::I along_k(const float* p) { return Simd::pairs(p); }
  template <class S>
  static Simd::I along_n(const S* p, int64_t stride_k) {
    return Simd::zip(p, p + stride_k);
  }
};

template <class D, class S>
void pack_edges(int64_t k0, int64_t k1, int64_t j0, int64_t j1, const S* from, int64_t stride_k, int64_t stride_n, D* dst) {
  constexpr int64_t kGroup = Packed<D>::kPerStep;
  for (int64_t p = k0; p < k1; ++p)
    for (int64_t j = j0; j < j1; ++j) dst[(p / kGroup * kPanelWidth + j) * kGroup + p % kGroup] = to_packed(from[p * stride_k + j * stride_n], D{});
}

template <class D, class S>
void pack_simd(int64_t k, int64_t k_padded, int64_t n, const S* source, int64_t stride_k, int64_t stride_n, D* dst) {
  constexpr int64_t kGroup = Packed<D>::kPerStep, kLanes = Simd::kLanes;
  if (stride_n != 1 && stride_k != 1) return pack_panels(kPanelWidth, kGroup, k, k_padded, n, source, stride_k, stride_n, dst);
  const bool rows = stride_n == 1;
  const int64_t tile_k = rows ? kGroup : kGroup * kLanes;  // elements of K a tile takes
  for (int64_t j0 = 0; j0 < n; j0 += kPanelWidth, dst += k_padded * kPanelWidth) {
    const S* from = source + j0 * stride_n;
    const int64_t columns = std::min(kPanelWidth, n - j0);
    const int64_t whole_columns = columns / kLanes * kLanes, whole_k = k / tile_k * tile_k;
    if (columns < kPanelWidth)
      std::memset(static_cast<void*>(dst), 0, size_t(k_padded * kPanelWidth) * sizeof(D));
    else if (whole_k < k_padded)
      std::memset(static_cast<void*>(dst + whole_k * kPanelWidth), 0, size_t((k_padded - whole_k) * kPanelWidth) * sizeof(D));
    for (int64_t p = 0; p < whole_k; p += tile_k)
      for (int64_t j = 0; j < whole_columns; j += kLanes) {
        D* to = dst + p * kPanelWidth + j * kGroup;
        if (rows) {
          Simd::store_bits(to, Packed<D>::along_n(from + p * stride_k + j, stride_k));
          continue;
        }
        Simd::I tile[kLanes];
#pragma GCC unroll 16
        for (int64_t i = 0; i < kLanes; ++i) tile[i] = Packed<D>::along_k(from + (j + i) * stride_n + p);
        Simd::transpose(tile);
#pragma GCC unroll 16
        for (int64_t i = 0; i < kLanes; ++i) Simd::store_bits(to + i * kPanelWidth * kGroup, tile[i]);
      }
    pack_edges(whole_k, k, 0, whole_columns, from, stride_k, stride_n, dst);
    pack_edges(0, k, whole_columns, columns, from, stride_k, stride_n, dst);
  }
}

template <class D>
void pack_simd(int64_t k, int64_t k_padded, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  if (source_dtype == DType::kF32)
    pack_simd(k, k_padded, n, static_cast<const float*>(source), stride_k, stride_n, static_cast<D*>(dst));
  else
    pack_simd(k, k_padded, n, static_cast<const bf16*>(source), stride_k, stride_n, static_cast<D*>(dst));
}
