#pragma once
// One loop, several ISAs, one binary (style: the target pragma comes after every include, so that no copy of a std:: function is
// ever compiled for a machine that lacks it). A kernel folder with plain loops looks like this:
//
//   foo_loops.inc      the functions that hold the hot loops and nothing else: no #include, no namespace, no templates.
//                      `static void scale_row(const float* __restrict x, float* __restrict y, int64_t n) {...}`
//   foo.cpp            #include "kernels/foo/foo.h"
//                      #include "kernels/math/isa_variants.h"           // and all that the loops call: vexp.h, bf16.h, ...
//                      #define MINKE_VARIANT_LOOPS "kernels/foo/foo_loops.inc"
//                      #include "kernels/math/isa_variants.inc"         // the loops as loops_scalar::, loops_avx2::, loops_avx512::
//                      namespace minke {
//                      void foo(...) {
//                        const auto scale = MINKE_VARIANT(scale_row);   // a function pointer, picked once per call of foo
//                        parallel_for(..., [&](int64_t i) { scale(x + i * n, y + i * n, n); });
//                      }
//
// Rules for the loops:
// - What they call is MINKE_INLINE (vexp.h), tiny and inline (bf16.h), or static in the same .inc. A template that stays out of line
//   is compiled for the base target: the vectoriser stops there.
// - The same bits in every variant: + - * / sqrt and std::fma only, no contraction (-ffp-contract=off), conditions as selects.
//   In loops_scalar std::fma is a libm call: exact and slow, which the scalar variant may be.
// - Reductions: Lanes, lanes_sum, lanes_dot, lanes_max (lanes.inc, there in every variant): 16 partial sums and one fixed tree. A plain
//   `for (...) sum += x[i]` is not vectorised, and must not be.
// - Pointers that do not overlap are `__restrict`, else GCC adds run-time checks or gives up. See what it did with -fopt-info-vec.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/cpu.h"
#include "kernels/math/vexp.h"

namespace minke {

// The AVX2 loops serve avx2; the AVX-512 loops serve avx512, avx512_bf16 and amx.
template <class F>
inline F pick_variant(F scalar, F avx2, F avx512) {
  switch (chosen_isa()) {
    case Isa::kScalar: return scalar;
    case Isa::kAvx2: return avx2;
    default: return avx512;
  }
}

#define MINKE_VARIANT(function) \
  ::minke::pick_variant(&::minke::loops_scalar::function, &::minke::loops_avx2::function, &::minke::loops_avx512::function)

}  // namespace minke
