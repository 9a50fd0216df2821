// AVX2 and FMA: a register block of 6 x 16 (12 accumulators of 8 floats), B in panels of 16 columns.
#include <immintrin.h>

#include "base/buffer.h"
#include "kernels/gemm/gemm_internal.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")

namespace minke::gemm_internal {
namespace {

#include "kernels/gemm/simd256.inc.h"
#include "kernels/gemm/block.inc.h"
#include "kernels/gemm/each.inc.h"
#define MINKE_PANEL_WIDTH Simd::kWidth
#include "kernels/gemm/pack.inc.h"
#include "kernels/gemm/fma.inc.h"

}  // namespace

const GemmVariant kAvx2Variant = {
    "avx2", Isa::kAvx2, packed_bytes, pack, run, run_each, layout, "k ascending; one f32 fma each", "k ascending; one f32 fma each",
};
const WgradKernel kAvx2Wgrad = {wgrad_bytes, wgrad_pack, wgrad_bytes, wgrad_pack, wgrad_run};

}  // namespace minke::gemm_internal

#pragma GCC pop_options
