// Vectors of 16 floats. Included inside an anonymous namespace, after `#pragma GCC target`, by the AVX-512 variants.

struct Simd {
  using F = __m512;
  using I = __m512i;
  using Mask = __mmask16;
  static constexpr int kLanes = 16, kVectors = 4, kWidth = 64;  // a panel is kVectors vectors wide

  static F zero() { return _mm512_setzero_ps(); }
  static F load(const void* p) { return _mm512_loadu_ps(p); }
  static F broadcast(const void* p) {
    float x;
    std::memcpy(&x, p, 4);
    return _mm512_set1_ps(x);
  }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  // 16 pairs of bf16: the first, the second of each, as floats.
  static F firsts(const void* p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16)); }
  static F seconds(const void* p) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(int(0xFFFF0000u))));
  }

  static Mask mask(int64_t columns) { return columns >= 16 ? 0xFFFF : columns <= 0 ? 0 : Mask((1u << columns) - 1); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static void store_add(float* p, F x) { _mm512_storeu_ps(p, _mm512_add_ps(_mm512_loadu_ps(p), x)); }
  static void store(float* p, Mask m, F x) { _mm512_mask_storeu_ps(p, m, x); }
  static void store_add(float* p, Mask m, F x) { _mm512_mask_storeu_ps(p, m, _mm512_add_ps(_mm512_maskz_loadu_ps(m, p), x)); }

  // As numeric/bf16.h: to nearest even, quiet NaN, subnormals to signed zero. The result sits in the upper half of each lane.
  static I round_bf16(F x) {
    const I u = _mm512_castps_si512(x), magnitude = _mm512_and_si512(u, _mm512_set1_epi32(0x7FFFFFFF));
    I r = _mm512_add_epi32(u, _mm512_add_epi32(_mm512_set1_epi32(0x7FFF), _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1))));
    r = _mm512_mask_or_epi32(r, _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7F800000)), u, _mm512_set1_epi32(0x400000));
    return _mm512_maskz_and_epi32(0xFFFF, _mm512_mask_and_epi32(r, _mm512_cmplt_epi32_mask(magnitude, _mm512_set1_epi32(0x800000)), u,
                                                                _mm512_set1_epi32(int(0x80000000u))),
                                  _mm512_set1_epi32(int(0xFFFF0000u)));
  }
#ifdef MINKE_SIMD_HAS_BF16  // defined by who includes this: the instruction, which rounds as round_bf16 does
  static __m256i narrow(F x) { return (__m256i)_mm512_cvtneps_pbh(x); }
#else
  static __m256i narrow(F x) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_bf16(x), 16)); }
#endif
  static void store_bf16(bf16* p, F x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(x)); }
  static void store_bf16(bf16* p, Mask m, F x) { _mm256_mask_storeu_epi16(p, m, narrow(x)); }
  static void widen(const bf16* from, float* to) {
    _mm512_storeu_si512(to, _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))), 16));
  }

  static I load_bits(const void* p) { return _mm512_loadu_si512(p); }
  static void store_bits(void* p, I x) { _mm512_storeu_si512(p, x); }
  // 16 pairs out of 32 floats that follow one another.
  static I pairs(const float* p) {
    const I lo = round_bf16(load(p)), hi = round_bf16(load(p + 16));
    alignas(64) static constexpr uint16_t kOdd[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                                      33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    return _mm512_permutex2var_epi16(lo, _mm512_load_si512(kOdd), hi);
  }
  // 16 pairs (first[i], second[i]).
  static I zip(const float* first, const float* second) {
    return _mm512_or_si512(_mm512_srli_epi32(round_bf16(load(first)), 16), round_bf16(load(second)));
  }
  static I zip(const bf16* first, const bf16* second) {
    const I a = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(first)));
    const I b = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)));
    return _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
  }
  static void transpose(I (&r)[16]) {
    I t[16];
    for (int i = 0; i < 16; i += 2) {
      t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
      t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
      for (int j = 0; j < 2; ++j) {
        r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
        r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
      }
    for (int i = 0; i < 4; ++i) {  // r[i], r[i+4], r[i+8], r[i+12] hold lane columns 4l + i of their four source rows
      t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
      t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
      t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
      t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
    }
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
      r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
      r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
      r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xDD);
    }
  }
};
