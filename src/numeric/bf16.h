#pragma once
// bfloat16: the upper half of a float32. Rounding to nearest even; a NaN stays a quiet NaN; subnormal results flush to zero,
// as vdpbf16ps and AMX do with their inputs (docs/invariance.md).
#include <cstdint>
#include <cstring>

namespace minke {

struct bf16 {
  uint16_t bits;
};
static_assert(sizeof(bf16) == 2);

inline float bf16_to_f32(bf16 x) {
  const uint32_t u = uint32_t(x.bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

inline bf16 bf16_from_f32(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  const uint32_t magnitude = u & 0x7FFFFFFFu;
  const uint32_t rounded = (u + 0x7FFFu + ((u >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (u >> 16) | 0x40u;
  const uint32_t zero = (u >> 16) & 0x8000u;
  // Branch-free selects keep the loop vectorisable.
  uint32_t result = magnitude > 0x7F800000u ? quiet_nan : rounded;
  result = magnitude < 0x00800000u ? zero : result;
  return {uint16_t(result)};
}

inline float bf16_round(float f) { return bf16_to_f32(bf16_from_f32(f)); }

}  // namespace minke
