#pragma once
// FP8 by its definition, in double: for tests of fp8.h, written for reading.
#include <cmath>
#include <cstdint>
#include <limits>

#include "numeric/fp8.h"

namespace minke {

template <class F>
double fp8_decode_ref(uint8_t code) {
  const double sign = code & 0x80 ? -1 : 1;
  const int magnitude = code & 0x7F, mantissa = magnitude & ((1 << F::kMantissaBits) - 1), exponent = magnitude >> F::kMantissaBits;
  if (F::kHasInfinity && magnitude == int(F::kOverflowCode)) return sign * std::numeric_limits<double>::infinity();
  if (magnitude > int(F::kMaxCode)) return std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - F::kBias - F::kMantissaBits);
  return sign * std::ldexp(mantissa + (1 << F::kMantissaBits), exponent - F::kBias - F::kMantissaBits);
}

// The largest magnitude that rounds to `code` or below is the middle between it and the next code, and goes to the even one. The
// largest number's next would be one step further on the grid.
template <class F>
double fp8_middle_ref(int code) {
  if (code < int(F::kMaxCode)) return (fp8_decode_ref<F>(uint8_t(code)) + fp8_decode_ref<F>(uint8_t(code + 1))) / 2;
  return F::kMax + (F::kMax - fp8_decode_ref<F>(uint8_t(code - 1))) / 2;
}

template <class F>
uint8_t fp8_encode_ref(double x, Fp8Overflow overflow = Fp8Overflow::kSaturate) {
  if (std::isnan(x)) return 0x7F;
  const uint8_t sign = std::signbit(x) ? 0x80 : 0;
  const double magnitude = std::abs(x);
  for (int code = 0; code <= int(F::kMaxCode); ++code) {
    const double middle = fp8_middle_ref<F>(code);
    if (magnitude < middle || (magnitude == middle && code % 2 == 0)) return uint8_t(code | sign);
  }
  return uint8_t((overflow == Fp8Overflow::kSaturate ? F::kMaxCode : F::kOverflowCode) | sign);
}

}  // namespace minke
