// Vectors of 8 floats, the AVX2 twin of simd512.inc.h. Included inside an anonymous namespace, after `#pragma GCC target`.

struct Simd {
  using F = __m256;
  using I = __m256i;
  using Mask = __m256i;
  static constexpr int kLanes = 8, kVectors = 2, kWidth = 16;

  static F zero() { return _mm256_setzero_ps(); }
  static F load(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static F broadcast(const void* p) { return _mm256_broadcast_ss(static_cast<const float*>(p)); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F firsts(const void* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(load_bits(p), 16)); }
  static F seconds(const void* p) { return _mm256_castsi256_ps(_mm256_and_si256(load_bits(p), _mm256_set1_epi32(int(0xFFFF0000u)))); }

  static Mask mask(int64_t columns) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(std::min<int64_t>(columns, 8))), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static void store_add(float* p, F x) { _mm256_storeu_ps(p, _mm256_add_ps(_mm256_loadu_ps(p), x)); }
  static void store(float* p, Mask m, F x) { _mm256_maskstore_ps(p, m, x); }
  static void store_add(float* p, Mask m, F x) { _mm256_maskstore_ps(p, m, _mm256_add_ps(_mm256_maskload_ps(p, m), x)); }

  static I round_bf16(F x) {
    const I u = _mm256_castps_si256(x), magnitude = _mm256_and_si256(u, _mm256_set1_epi32(0x7FFFFFFF));
    I r = _mm256_add_epi32(u, _mm256_add_epi32(_mm256_set1_epi32(0x7FFF), _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1))));
    const I nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7F800000)), subnormal = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x800000), magnitude);
    r = _mm256_blendv_epi8(r, _mm256_or_si256(u, _mm256_set1_epi32(0x400000)), nan);
    r = _mm256_blendv_epi8(r, _mm256_and_si256(u, _mm256_set1_epi32(int(0x80000000u))), subnormal);
    return _mm256_and_si256(r, _mm256_set1_epi32(int(0xFFFF0000u)));
  }
  static __m128i narrow(F x) {
    const I r = _mm256_srli_epi32(round_bf16(x), 16);
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi32(r, r), 0x88));
  }
  static void store_bf16(bf16* p, F x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(x)); }
  static void store_bf16(bf16* p, Mask m, F x) {
    alignas(16) bf16 values[8];
    _mm_store_si128(reinterpret_cast<__m128i*>(values), narrow(x));
    const int count = __builtin_popcount(unsigned(_mm256_movemask_ps(_mm256_castsi256_ps(m))));
    for (int i = 0; i < count; ++i) p[i] = values[i];
  }
  static void widen(const bf16* from, float* to) {
    store_bits(to, _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))), 16));
  }

  static I load_bits(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store_bits(void* p, I x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
  static I pairs(const float* p) {
    const I lo = _mm256_srli_epi32(round_bf16(load(p)), 16), hi = _mm256_srli_epi32(round_bf16(load(p + 8)), 16);
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(lo, hi), 0xD8);
  }
  static I zip(const float* first, const float* second) {
    return _mm256_or_si256(_mm256_srli_epi32(round_bf16(load(first)), 16), round_bf16(load(second)));
  }
  static I zip(const bf16* first, const bf16* second) {
    const I a = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)));
    const I b = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(second)));
    return _mm256_or_si256(a, _mm256_slli_epi32(b, 16));
  }
  static void transpose(I (&r)[8]) {
    I t[8];
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
      for (int j = 0; j < 2; ++j) {
        r[i + 2 * j] = _mm256_unpacklo_epi64(t[i + j], t[i + j + 2]);
        r[i + 2 * j + 1] = _mm256_unpackhi_epi64(t[i + j], t[i + j + 2]);
      }
    for (int i = 0; i < 4; ++i) {
      t[i] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x20);
      t[i + 4] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x31);
    }
    for (int i = 0; i < 8; ++i) r[i] = t[i];
  }
};
