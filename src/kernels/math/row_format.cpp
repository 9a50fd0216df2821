#include "kernels/math/row_format.h"

#include <immintrin.h>

#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/math/row_format_loops.inc"
#include "kernels/math/isa_variants.inc"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c,bmi,bmi2")
namespace minke::loops_avx512_bf16 {
namespace {

void encode(const float* from, bf16* to, int64_t n) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m512bh y = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i));
    _mm512_storeu_si512(to + i, reinterpret_cast<__m512i>(y));
  }
  if (i < n) {
    const uint32_t mask = (1u << uint32_t(n - i)) - 1;
    const __m512 low = _mm512_maskz_loadu_ps(__mmask16(mask), from + i), high = _mm512_maskz_loadu_ps(__mmask16(mask >> 16), from + i + 16);
    _mm512_mask_storeu_epi16(to + i, mask, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
}

}  // namespace
}  // namespace minke::loops_avx512_bf16
#pragma GCC pop_options

namespace minke {

Bf16Encoder bf16_encoder() {
  return chosen_isa() >= Isa::kAvx512Bf16 ? &loops_avx512_bf16::encode : MINKE_VARIANT(encode);
}

const char* bf16_encoder_name() { return chosen_isa() >= Isa::kAvx512Bf16 ? "avx512_bf16" : pick_variant("scalar", "avx2", "avx512"); }

}  // namespace minke
