#pragma once
// Rows of f32 into rows of bf16, the hardware's way where there is one. Kernels compute a row or a block of one in f32 (in cache)
// and let this write it: converting inside their loops costs a dozen integer operations a value, more than most of them compute.
#include <cstdint>

#include "numeric/bf16.h"

namespace minke {

// Writes n values, each as bf16_from_f32 gives it (vcvtne2ps2bf16 rounds to nearest even, quiets NaN and flushes subnormals alike).
using Bf16Encoder = void (*)(const float* from, bf16* to, int64_t n);
Bf16Encoder bf16_encoder();  // of the chosen ISA
const char* bf16_encoder_name();

}  // namespace minke
