#pragma once
// Random numbers as a pure function of (seed, stream, counter): Philox4x32-10 (Salmon et al. 2011). A position in a run is three
// integers, so checkpoints store no generator state and results do not depend on threads.
#include <cstdint>

namespace minke {

struct RandomBlock {
  uint32_t v[4];
};

// The 128 random bits at (seed, stream, counter).
RandomBlock random_block(uint64_t seed, uint64_t stream, uint64_t counter);

// A cursor over the blocks of one (seed, stream).
class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0, uint64_t counter = 0) : seed_(seed), stream_(stream), counter_(counter) {}
  uint32_t bits32();
  uint64_t bits64();
  uint64_t below(uint64_t n);     // uniform in [0, n), unbiased; n >= 1
  int64_t range(int64_t lo, int64_t hi);  // uniform in [lo, hi]
  double uniform();               // [0, 1), 53 bits
  float normal();                 // mean 0, variance 1 (Box-Muller)

 private:
  uint64_t seed_, stream_, counter_;
  RandomBlock block_{};
  int left_ = 0;
};

}  // namespace minke
