#pragma once
// FP8 as "FP8 Formats for Deep Learning" (2022) defines it: E4M3 (torch's float8_e4m3fn: no infinity, NaN 0x7F and 0xFF) and E5M2
// (IEEE-like). DeepSeek-V3 uses E4M3 throughout (report, section 3.3); E5M2 is what other recipes use for gradients.
//
// Within a binade 2^e the grid's step is 2^(e - mantissa bits); below the smallest normal number it stays as there. Rounding is to
// nearest, ties to the even code. Everything here is branch-free, so that loops over it vectorise.
#include <bit>
#include <cstdint>

namespace minke {

struct E4M3 {
  static constexpr int kMantissaBits = 3, kBias = 7;
  static constexpr float kMax = 448;          // 0x7E
  static constexpr uint32_t kMaxCode = 0x7E, kOverflowCode = 0x7F;  // overflow is NaN
  static constexpr bool kHasInfinity = false;
};

struct E5M2 {
  static constexpr int kMantissaBits = 2, kBias = 15;
  static constexpr float kMax = 57344;        // 0x7B
  static constexpr uint32_t kMaxCode = 0x7B, kOverflowCode = 0x7C;  // overflow is infinity
  static constexpr bool kHasInfinity = true;
};

// What becomes of values that round beyond the largest number, infinities among them.
enum class Fp8Overflow : uint8_t {
  kSaturate,  // the largest number, as CUDA's __NV_SATFINITE does, and PyTorch 2.15 in E4M3
  kSpecial,   // NaN in E4M3; infinity in E5M2, as PyTorch does
};

template <class F>
inline float fp8_decode(uint8_t code) {
  constexpr uint32_t kSmallestNormal = 1u << F::kMantissaBits;
  const uint32_t magnitude = code & 0x7Fu;
  const float step = std::bit_cast<float>(uint32_t(128 - F::kBias - F::kMantissaBits) << 23);  // of the subnormal numbers
  const uint32_t subnormal = std::bit_cast<uint32_t>(float(int32_t(magnitude)) * step);
  const uint32_t normal = (magnitude << (23 - F::kMantissaBits)) + (uint32_t(127 - F::kBias) << 23);
  uint32_t bits = magnitude < kSmallestNormal ? subnormal : normal;
  bits = magnitude > F::kMaxCode ? (F::kHasInfinity && magnitude == F::kOverflowCode ? 0x7F800000u : 0x7FC00000u) : bits;
  return std::bit_cast<float>(bits | (uint32_t(code & 0x80u) << 24));
}

// Adding 2^(e + 23 - mantissa bits) to a magnitude in [2^e, 2^(e+1)) leaves float32 no more bits than the grid has, and rounds to
// nearest even as it does so. Rounding the bits as integers would go wrong where the last kept bit is the implicit one.
template <class F>
struct Fp8Rounding {
  uint32_t sign;      // 0 or 0x80000000
  uint32_t exponent;  // the binade's, as float32 holds it (biased, in place), at least the smallest normal number's
  float lift, lifted;
};

// `limit`: larger magnitudes count as this.
template <class F>
inline Fp8Rounding<F> fp8_lift(float x, float limit) {
  constexpr uint32_t kSmallestExponent = uint32_t(128 - F::kBias) << 23;
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  float magnitude = std::bit_cast<float>(bits & 0x7FFFFFFFu);
  magnitude = magnitude > limit ? limit : magnitude;  // a NaN stays one
  const uint32_t own = std::bit_cast<uint32_t>(magnitude) & 0x7F800000u;
  const uint32_t exponent = own > kSmallestExponent ? own : kSmallestExponent;
  const float lift = std::bit_cast<float>(exponent + (uint32_t(23 - F::kMantissaBits) << 23));
  return {bits & 0x80000000u, exponent, lift, magnitude + lift};
}

// The grid's value nearest to x, saturating; NaN stays NaN. Exact in bf16. Equals fp8_decode(fp8_encode(x)).
template <class F>
inline float fp8_round(float x) {
  const Fp8Rounding<F> r = fp8_lift<F>(x, F::kMax);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(r.lifted - r.lift) | r.sign);
}

// The code of the value nearest to x. Every NaN becomes 0x7F.
template <class F, Fp8Overflow overflow = Fp8Overflow::kSaturate>
inline uint8_t fp8_encode(float x) {
  constexpr bool kSpecial = overflow == Fp8Overflow::kSpecial;
  // Twice the largest number lies in the next binade or beyond it, and its code is past the last one.
  const Fp8Rounding<F> r = fp8_lift<F>(x, kSpecial ? 2 * F::kMax : F::kMax);
  const uint32_t steps = std::bit_cast<uint32_t>(r.lifted) - std::bit_cast<uint32_t>(r.lift);
  const uint32_t binade = (r.exponent - (uint32_t(128 - F::kBias) << 23)) >> (23 - F::kMantissaBits);
  uint32_t code = binade + steps;
  if (kSpecial) code = code > F::kMaxCode ? F::kOverflowCode : code;
  code |= r.sign >> 24;
  return uint8_t(x != x ? 0x7Fu : code);
}

}  // namespace minke
