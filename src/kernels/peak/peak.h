#pragma once
// The roof, measured now on this machine: what register-only multiply-add loops and plain reads reach. Quote shares of it.
#include "base/cpu.h"
#include "numeric/dtype.h"

namespace minke {

// GFLOP/s (2 per multiply-add) of `threads` threads together, for products of `dtype` operands with an f32 sum on `isa`: FMA loops,
// vdpbf16ps for bf16 on avx512_bf16, tdpbf16ps on amx. The best of at most five spells of
// `spell_ms`, timed by the threads' CPU time: what the cores do, whatever else runs on them.
double peak_gflops(DType dtype, Isa isa, int threads, double spell_ms = 3);

// GB/s (1e9 bytes) that `threads` threads read together from memory too large for the caches; threads = 0 takes the pool's count.
double read_gb_s(int threads = 0);

}  // namespace minke
