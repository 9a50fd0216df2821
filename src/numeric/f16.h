#pragma once
// IEEE half precision, for reading checkpoints that hold it.
#include <bit>
#include <cmath>
#include <cstdint>

namespace minke {

inline float f16_to_f32(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3FFu;
  if (exponent == 0) {  // zero and subnormals: fraction x 2^-24, exact in float32
    const float magnitude = float(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t bits = exponent == 31 ? 0x7F800000u | (fraction << 13) : ((exponent + 112) << 23) | (fraction << 13);
  return std::bit_cast<float>(sign | bits);
}

}  // namespace minke
