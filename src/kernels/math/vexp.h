#pragma once
// Our own exp and log in float: the same bits on every machine and in every ISA variant (docs/invariance.md), because every step
// is one IEEE operation or one std::fma. Branch-free, so a loop over them vectorises inside a variant (isa_variants.h).
#include <cmath>
#include <cstdint>
#include <cstring>

namespace minke {

// For functions that must take over the target of the variant that calls them.
#define MINKE_INLINE [[gnu::always_inline]] inline

MINKE_INLINE uint32_t float_bits(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  return u;
}
MINKE_INLINE float float_of_bits(uint32_t u) {
  float x;
  std::memcpy(&x, &u, 4);
  return x;
}

// exp(x), within 1 ulp. Results below 2^-126 are 0 (as flush-to-zero makes them), above the largest float +inf; NaN stays NaN.
//   n = round(x / ln 2)    r = x - n ln 2    exp(x) = 2^n (1 + r + r^2 q(r)),  q minimax on |r| <= ln 2 / 2
MINKE_INLINE float vexp(float x) {
  constexpr float kRound = 0x1.8p23f;                    // adding it leaves the nearest integer in the low bits
  constexpr float kLn2Hi = 0x1.62e4p-1f, kLn2Lo = 0x1.7f7d1cp-20f;
  constexpr float kLowest = -0x1.5d589ep6f;              // ln 2^-126, rounded up
  constexpr float kHighest = 0x1.62e42ep6f;              // ln of the largest float, rounded down
  const float shifted = std::fma(x, 0x1.715476p0f, kRound);
  const float n = shifted - kRound;
  float r = std::fma(n, -kLn2Hi, x);
  r = std::fma(n, -kLn2Lo, r);
  float q = 0x1.6a2434p-10f;
  q = std::fma(q, r, 0x1.1239e2p-7f);
  q = std::fma(q, r, 0x1.5558f2p-5f);
  q = std::fma(q, r, 0x1.555492p-3f);
  q = std::fma(q, r, 0x1.fffffcp-2f);
  const float p = std::fma(q, r * r, r) + 1.0f;
  // p lies in (0.7, 1.42): its exponent takes n by an integer add, n = 128 (only with p < 1) included.
  float y = float_of_bits(float_bits(p) + (float_bits(shifted) << 23));
  y = x < kLowest ? 0.0f : y;
  y = x > kHighest ? HUGE_VALF : y;
  return x != x ? x : y;
}

// The bits of vexp for x <= 88 (softmax: scores less their maximum) in four instructions fewer; beyond 88 it means nothing.
MINKE_INLINE float vexp_softmax(float x) {
  constexpr float kRound = 0x1.8p23f + 127;              // leaves n + 127, the exponent's bits, in the low bits
  constexpr float kLn2Hi = 0x1.62e4p-1f, kLn2Lo = 0x1.7f7d1cp-20f, kLowest = -0x1.5d589ep6f;
  const float shifted = std::fma(x, 0x1.715476p0f, kRound);
  const float n = shifted - kRound;
  float r = std::fma(n, -kLn2Hi, x);
  r = std::fma(n, -kLn2Lo, r);
  float q = 0x1.6a2434p-10f;
  q = std::fma(q, r, 0x1.1239e2p-7f);
  q = std::fma(q, r, 0x1.5558f2p-5f);
  q = std::fma(q, r, 0x1.555492p-3f);
  q = std::fma(q, r, 0x1.fffffcp-2f);
  const float p = std::fma(q, r * r, r) + 1.0f;
  const float y = p * float_of_bits(float_bits(shifted) << 23);   // exact; a NaN in p goes through
  return x < kLowest ? 0.0f : y;
}

// log(x), within 2 ulp. 0 and subnormals give -inf, negatives NaN, +inf +inf, NaN NaN.
//   x = 2^n (1 + f), 1 + f in [sqrt 1/2, sqrt 2)    log(x) = n ln 2 + f - f^2 / 2 + f^3 p(f)
MINKE_INLINE float vlog(float x) {
  constexpr uint32_t kSqrtHalf = 0x3F3504F3u;
  constexpr float kLn2Hi = 0x1.62e4p-1f, kLn2Lo = 0x1.7f7d1cp-20f;
  const uint32_t shifted = float_bits(x) - kSqrtHalf;
  const float n = float(int32_t(shifted) >> 23);
  const float f = float_of_bits((shifted & 0x007FFFFFu) + kSqrtHalf) - 1.0f;
  float p = -0x1.38f240p-4f;
  p = std::fma(p, f, 0x1.058954p-3f);
  p = std::fma(p, f, -0x1.0d8fc0p-3f);
  p = std::fma(p, f, 0x1.22d4bap-3f);
  p = std::fma(p, f, -0x1.5470b8p-3f);
  p = std::fma(p, f, 0x1.99a034p-3f);
  p = std::fma(p, f, -0x1.00022cp-2f);
  p = std::fma(p, f, 0x1.555554p-2f);
  const float f2 = f * f;
  float y = std::fma(p, f * f2, std::fma(n, kLn2Lo, -0.5f * f2));
  y = std::fma(n, kLn2Hi, y + f);
  y = x < 0x1p-126f ? -HUGE_VALF : y;
  y = x < 0.0f ? NAN : y;
  return x < HUGE_VALF ? y : x;   // +inf and NaN
}

}  // namespace minke
