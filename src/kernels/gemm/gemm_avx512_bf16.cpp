// vdpbf16ps: the register block of the AVX-512 variant, two K per step. f32 products and all packing are that variant's.
//
// vdpbf16ps on a lane: acc = fma(a1, b1, acc), then acc = fma(a0, b0, acc): the odd element of the pair first, each rounded to nearest
// even, subnormal inputs and results as zero. Zen 4 does so in 4 million random cases out of 4 million, as Intel's manual describes.
// GCC 12 takes the "undefined" operand inside unmasked AVX-512 intrinsics for a mistake of ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "kernels/gemm/gemm_internal.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace minke::gemm_internal {
namespace {

#define MINKE_SIMD_HAS_BF16
#include "kernels/gemm/simd512.inc.h"
#undef MINKE_SIMD_HAS_BF16
#include "kernels/gemm/block.inc.h"
#include "kernels/gemm/each.inc.h"

struct DotStep {
  static constexpr int64_t kPerStep = 2, kPerLoad = 1;
  static constexpr bool kLastIsShort = true;

  template <bool kOne, int kRows, int kLive>
  static inline __attribute__((always_inline)) void dot(__m512 (&acc)[kRows][kLive], const char* a, int64_t a_row, const char* b) {
    __m512bh vb[kLive];
#pragma GCC unroll 4
    for (int v = 0; v < kLive; ++v) vb[v] = (__m512bh)_mm512_loadu_si512(b + v * 64);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      uint32_t pair = 0;
      std::memcpy(&pair, a + r * a_row, kOne ? 2 : 4);
      const auto va = (__m512bh)_mm512_set1_epi32(int(pair));
#pragma GCC unroll 4
      for (int v = 0; v < kLive; ++v) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], va, vb[v]);
    }
  }
  template <int kRows, int kLive>
  static inline __attribute__((always_inline)) void step(__m512 (&acc)[kRows][kLive], const char* a, int64_t a_row, const char* b) {
    dot<false>(acc, a, a_row, b);
  }
  template <int kRows, int kLive>
  static inline __attribute__((always_inline)) void last(__m512 (&acc)[kRows][kLive], const char* a, int64_t a_row, const char* b) {
    dot<true>(acc, a, a_row, b);
  }
};

int64_t packed_bytes(DType dtype, int64_t k, int64_t n) { return kAvx512Variant.packed_bytes(dtype, k, n); }
PackedLayout layout(DType dtype) { return kAvx512Variant.layout(dtype); }
void pack(DType dtype, int64_t k, int64_t n, const void* source, DType source_dtype, int64_t stride_k, int64_t stride_n, void* dst) {
  kAvx512Variant.pack(dtype, k, n, source, source_dtype, stride_k, stride_n, dst);
}
void run(const GemmShape& shape, const GemmProblem& problem) {
  shape.dtype == DType::kF32 ? kAvx512Variant.run(shape, problem) : run_rows<DotStep, 2>(shape, problem);
}

void run_each(const GemmShape& shape, std::span<const GemmProblem> problems) {
  shape.dtype == DType::kF32 ? kAvx512Variant.run_each(shape, problems) : each_row<DotStep>(shape, problems);
}

int64_t wgrad_bytes(DType dtype, int64_t m, int64_t columns) { return packed_bytes(dtype, m, columns); }
void wgrad_pack(DType dtype, int64_t m, int64_t columns, const void* source, int64_t stride, void* dst) {
  pack(dtype, m, columns, source, dtype, stride, 1, dst);
}
void wgrad_run(DType dtype, int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw) {
  dtype == DType::kF32 ? kAvx512Wgrad.run(dtype, m, n, k, dy, x, dw, ld_dw) : run_wgrad<DotStep>(m, n, k, dy, x, dw, ld_dw);
}

}  // namespace

const GemmVariant kAvx512Bf16Variant = {
    "avx512_bf16", Isa::kAvx512Bf16, packed_bytes, pack, run, run_each, layout, "pairs of k ascending; in a pair the odd k first, one f32 fma each",
    "k ascending; one f32 fma each",
};
const WgradKernel kAvx512Bf16Wgrad = {wgrad_bytes, wgrad_pack, wgrad_bytes, wgrad_pack, wgrad_run};

}  // namespace minke::gemm_internal

#pragma GCC pop_options
