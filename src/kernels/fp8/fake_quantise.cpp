#include "kernels/fp8/fake_quantise.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <vector>

#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "numeric/fp8.h"

#define MINKE_VARIANT_LOOPS "kernels/fp8/fake_quantise_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr int64_t kColumns = 256;  // of column tiles at a time: their maxima and scales stay in the first cache

// The block's scale and 1 / it, both exact: a division would give the same bits.
struct Scale {
  float scale, inverse;
  Scale(Fp8Grid grid, uint32_t max_bits) {
    // 57344 = 448 x 2^7: E5M2's scale is E4M3's of a magnitude 2^7 smaller.
    constexpr uint32_t kSeven = 7u << 23, kInfinity = 0x7F800000u;
    if (grid == Fp8Grid::kE5M2 && max_bits < kInfinity) max_bits = max_bits > kSeven ? max_bits - kSeven : std::min(max_bits, 1u);
    scale = fp8_scale(max_bits, Fp8Scale::kPowerOfTwo);
    inverse = 1 / scale;
  }
};

const void* at(const FakeQuantise& q, int64_t row, int64_t col) { return static_cast<const char*>(q.x) + size_t(row * q.ld + col) * dtype_bytes(q.dtype); }

double bytes_of(const FakeQuantise& q) { return double(q.rows * q.cols) * double(dtype_bytes(q.dtype) + 2); }

}  // namespace

void fake_quantise(const FakeQuantise& q, Fp8Block block) {
  const KernelScope kernel("fp8 rounding", 0, bytes_of(q));
  if (kernel.dry()) return;
  MINKE_CHECK(block.rows >= 1 && block.cols > 1);
  const auto most_of = MINKE_VARIANT(largest_of);
  const auto round = MINKE_VARIANT(round_tile);
  const int64_t strips = (q.rows + block.rows - 1) / block.rows;
  parallel_ranges(strips, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, q.cols * block.rows)), [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip)
      for (int64_t col = 0; col < q.cols; col += block.cols) {
        const int64_t first = strip * block.rows, last = std::min(q.rows, first + block.rows), n = std::min(block.cols, q.cols - col);
        uint32_t most = 0;
        for (int64_t row = first; row < last; ++row) most = std::max(most, most_of(q.dtype, at(q, row, col), n));
        const Scale s(q.grid, most);
        for (int64_t row = first; row < last; ++row) round(q.grid, q.dtype, at(q, row, col), q.y + row * q.cols + col, n, s.scale, s.inverse);
      }
  });
}

void fake_quantise_columns(const FakeQuantise& q, int64_t tile, std::span<const int64_t> offsets) {
  const KernelScope kernel("fp8 rounding", 0, bytes_of(q));
  if (kernel.dry()) return;
  MINKE_CHECK_EQ(offsets.back(), q.rows);
  struct Strip {
    int64_t first, last;
  };
  std::vector<Strip> strips;
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    for (int64_t row = offsets[i]; row < offsets[i + 1]; row += tile) strips.push_back({row, std::min(row + tile, offsets[i + 1])});
  const auto most_of = MINKE_VARIANT(largest_of_each);
  const auto round = MINKE_VARIANT(round_columns);
  const int64_t pieces = (q.cols + kColumns - 1) / kColumns;
  parallel_ranges(int64_t(strips.size()) * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const Strip& strip = strips[size_t(task / pieces)];
      const int64_t col = task % pieces * kColumns, n = std::min(kColumns, q.cols - col);
      alignas(64) uint32_t most[kColumns] = {};
      alignas(64) float scale[kColumns], inverse[kColumns];
      for (int64_t row = strip.first; row < strip.last; ++row) most_of(q.dtype, at(q, row, col), most, n);
      for (int64_t i = 0; i < n; ++i) {
        const Scale s(q.grid, most[i]);
        scale[i] = s.scale;
        inverse[i] = s.inverse;
      }
      for (int64_t row = strip.first; row < strip.last; ++row) round(q.grid, q.dtype, at(q, row, col), q.y + row * q.cols + col, n, scale, inverse);
    }
  });
}

void fake_quantise_whole(const FakeQuantise& q) {
  const KernelScope kernel("fp8 rounding", 0, bytes_of(q));
  if (kernel.dry()) return;
  const auto most_of = MINKE_VARIANT(largest_of);
  const auto round = MINKE_VARIANT(round_tile);
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, q.cols));
  std::atomic<uint32_t> whole = 0;
  parallel_ranges(q.rows, grain, [&](int64_t begin, int64_t end) {
    uint32_t most = 0;
    for (int64_t row = begin; row < end; ++row) most = std::max(most, most_of(q.dtype, at(q, row, 0), q.cols));
    for (uint32_t old = whole.load(); old < most && !whole.compare_exchange_weak(old, most);) continue;
  });
  const Scale s(q.grid, whole.load());
  parallel_ranges(q.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) round(q.grid, q.dtype, at(q, row, 0), q.y + row * q.cols, q.cols, s.scale, s.inverse);
  });
}

}  // namespace minke
