// AVX-512 without bf16 products: a register block of 6 x 64 (24 accumulators of 16 floats), B in panels of 64 columns.
// GCC 12 takes the "undefined" operand inside unmasked AVX-512 intrinsics for a mistake of ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "base/buffer.h"
#include "kernels/gemm/gemm_internal.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")

namespace minke::gemm_internal {
namespace {

#include "kernels/gemm/simd512.inc.h"
#include "kernels/gemm/block.inc.h"
#include "kernels/gemm/each.inc.h"
#define MINKE_PANEL_WIDTH Simd::kWidth
#include "kernels/gemm/pack.inc.h"
#include "kernels/gemm/fma.inc.h"

}  // namespace

const GemmVariant kAvx512Variant = {
    "avx512", Isa::kAvx512, packed_bytes, pack, run, run_each, layout, "k ascending; one f32 fma each", "k ascending; one f32 fma each",
};
const WgradKernel kAvx512Wgrad = {wgrad_bytes, wgrad_pack, wgrad_bytes, wgrad_pack, wgrad_run};

}  // namespace minke::gemm_internal

#pragma GCC pop_options
