#include "base/rng.h"

#include <cmath>

#include "base/error.h"

namespace minke {

RandomBlock random_block(uint64_t seed, uint64_t stream, uint64_t counter) {
  constexpr uint32_t kMul0 = 0xD2511F53u, kMul1 = 0xCD9E8D57u, kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  uint32_t c0 = uint32_t(counter), c1 = uint32_t(counter >> 32), c2 = uint32_t(stream), c3 = uint32_t(stream >> 32);
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t(kMul0) * c0, p1 = uint64_t(kMul1) * c2;
    const uint32_t n0 = uint32_t(p1 >> 32) ^ c1 ^ k0, n2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c1 = uint32_t(p1);
    c3 = uint32_t(p0);
    c0 = n0;
    c2 = n2;
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

uint32_t Rng::bits32() {
  if (left_ == 0) {
    block_ = random_block(seed_, stream_, counter_++);
    left_ = 4;
  }
  return block_.v[4 - left_--];
}

uint64_t Rng::bits64() {
  const uint64_t low = bits32();
  return low | uint64_t(bits32()) << 32;
}

uint64_t Rng::below(uint64_t n) {
  MINKE_CHECK_GE(n, uint64_t(1));
  // Rejects the tail that would favour small values.
  const uint64_t limit = n * (UINT64_MAX / n);
  uint64_t x = bits64();
  while (x >= limit) x = bits64();
  return x % n;
}

int64_t Rng::range(int64_t lo, int64_t hi) { return lo + int64_t(below(uint64_t(hi - lo) + 1)); }

double Rng::uniform() { return double(bits64() >> 11) * 0x1p-53; }

float Rng::normal() {
  const double u = 1.0 - uniform(), v = uniform();
  return float(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v));
}

}  // namespace minke
