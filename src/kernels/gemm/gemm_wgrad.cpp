// Weight gradients. Tokens are cut in chunks of kChunk counted from a problem's first row; a chunk's product is reduced from zero in
// the variant's K order and added to dW, chunk after chunk. Packing both operands first makes it the forward's inner loop.
#include <vector>

#include "base/buffer.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/gemm/gemm_internal.h"

namespace minke {
namespace gemm_internal {
namespace {

constexpr int64_t kChunk = 512;
constexpr int64_t kBlockUnits = 4;  // of columns: 512 tokens of a packed block are 256 KiB in bf16

// The scalar variant's way, open to any other: dY transposed to rows along tokens, X packed as any B.
int64_t plain_dy_bytes(DType dtype, int64_t m, int64_t n) { return round_up(round_up(n, kColumnUnit) * m * int64_t(dtype_bytes(dtype)), 64); }

template <class T>
void transpose(int64_t m, int64_t n, const T* from, int64_t ld, T* to) {
  constexpr int64_t kTile = 16;
  for (int64_t i0 = 0; i0 < n; i0 += kTile)
    for (int64_t t0 = 0; t0 < m; t0 += kTile)
      for (int64_t i = i0; i < std::min(n, i0 + kTile); ++i)
        for (int64_t t = t0; t < std::min(m, t0 + kTile); ++t) to[i * m + t] = from[t * ld + i];
}

void plain_pack_dy(DType dtype, int64_t m, int64_t n, const void* dy, int64_t ld_dy, void* dst) {
  if (dtype == DType::kF32)
    transpose(m, n, static_cast<const float*>(dy), ld_dy, static_cast<float*>(dst));
  else
    transpose(m, n, static_cast<const bf16*>(dy), ld_dy, static_cast<bf16*>(dst));
}

int64_t plain_x_bytes(DType dtype, int64_t m, int64_t k) { return gemm_variant().packed_bytes(dtype, m, k); }

void plain_pack_x(DType dtype, int64_t m, int64_t k, const void* x, int64_t ld_x, void* dst) {
  gemm_variant().pack(dtype, m, k, x, dtype, ld_x, 1, dst);
}

void plain_run(DType dtype, int64_t m, int64_t n, int64_t k, const void* dy, const void* x, float* dw, int64_t ld_dw) {
  gemm_variant().run({dtype, k, m, DType::kF32, Store::kAdd}, {n, dy, m, x, dw, ld_dw});
}

}  // namespace

const WgradKernel kPlainWgrad = {plain_dy_bytes, plain_pack_dy, plain_x_bytes, plain_pack_x, plain_run};

namespace {

struct Dims {
  DType dtype;
  int64_t n, k;
};

// One thread, its own scratch. dY is packed a block of columns at a time: packed and read again while it is in the L2.
void whole(const WgradKernel& kernel, const Dims& d, const WgradProblem& p) {
  ArenaScope scope(thread_arena());
  const int64_t longest = std::min(kChunk, p.m), block = kBlockUnits * kColumnUnit;
  void* dy = thread_arena().take(size_t(kernel.dy_bytes(d.dtype, longest, std::min(block, d.n))));
  void* x = thread_arena().take(size_t(kernel.x_bytes(d.dtype, longest, d.k)));
  if (dry_run()) return;
  for (int64_t t = 0; t < p.m; t += kChunk) {
    const int64_t m = std::min(kChunk, p.m - t);
    kernel.pack_x(d.dtype, m, d.k, element(p.x, d.dtype, t * p.ld_x), p.ld_x, x);
    for (int64_t row = 0; row < d.n; row += block) {
      const int64_t rows = std::min(block, d.n - row);
      kernel.pack_dy(d.dtype, m, rows, element(p.dy, d.dtype, t * p.ld_dy + row), p.ld_dy, dy);
      kernel.run(d.dtype, m, rows, d.k, dy, x, p.dw + row * d.k, d.k);
    }
  }
}

// All threads on one problem: both operands packed by column units for a few chunks, then blocks of dW, each taking those chunks in
// order. Two meetings of the pool per kChunksTogether.
void shared(const WgradKernel& kernel, const Dims& d, const WgradProblem& p) {
  constexpr int64_t kChunksTogether = 4;
  ArenaScope scope(thread_arena());
  const int64_t longest = std::min(kChunk, p.m), together = std::min(kChunksTogether, (p.m + kChunk - 1) / kChunk);
  const int64_t dy_bytes = round_up(kernel.dy_bytes(d.dtype, longest, d.n), 64), x_bytes = round_up(kernel.x_bytes(d.dtype, longest, d.k), 64);
  char* dy = static_cast<char*>(thread_arena().take(size_t(dy_bytes * together)));
  char* x = static_cast<char*>(thread_arena().take(size_t(x_bytes * together)));
  if (dry_run()) return;
  const int64_t n_units = (d.n + kColumnUnit - 1) / kColumnUnit, k_units = (d.k + kColumnUnit - 1) / kColumnUnit;
  int64_t block_n = kBlockUnits, block_k = kBlockUnits;  // smaller where that leaves a thread too few
  const auto blocks = [](int64_t units, int64_t block) { return (units + block - 1) / block; };
  while (blocks(n_units, block_n) * blocks(k_units, block_k) < 4 * thread_count() && block_n + block_k > 2)
    block_n >= block_k ? block_n /= 2 : block_k /= 2;
  for (int64_t t0 = 0; t0 < p.m; t0 += kChunk * together) {
    const int64_t chunks = std::min(together, (p.m - t0 + kChunk - 1) / kChunk);
    const auto rows_of = [&](int64_t chunk) { return std::min(kChunk, p.m - t0 - chunk * kChunk); };
    parallel_for(chunks * (n_units + k_units), [&](int64_t i) {
      const int64_t chunk = i / (n_units + k_units), unit = i % (n_units + k_units), t = t0 + chunk * kChunk, m = rows_of(chunk);
      const bool is_dy = unit < n_units;
      const int64_t begin = (is_dy ? unit : unit - n_units) * kColumnUnit, count = std::min(kColumnUnit, (is_dy ? d.n : d.k) - begin);
      if (is_dy)
        kernel.pack_dy(d.dtype, m, count, element(p.dy, d.dtype, t * p.ld_dy + begin), p.ld_dy, dy + chunk * dy_bytes + kernel.dy_bytes(d.dtype, m, begin));
      else
        kernel.pack_x(d.dtype, m, count, element(p.x, d.dtype, t * p.ld_x + begin), p.ld_x, x + chunk * x_bytes + kernel.x_bytes(d.dtype, m, begin));
    });
    const int64_t k_blocks = blocks(k_units, block_k);
    parallel_for(blocks(n_units, block_n) * k_blocks, [&](int64_t i) {
      const int64_t row = i / k_blocks * block_n * kColumnUnit, column = i % k_blocks * block_k * kColumnUnit;
      const int64_t rows = std::min(block_n * kColumnUnit, d.n - row), columns = std::min(block_k * kColumnUnit, d.k - column);
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const int64_t m = rows_of(chunk);
        kernel.run(d.dtype, m, rows, columns, dy + chunk * dy_bytes + kernel.dy_bytes(d.dtype, m, row), x + chunk * x_bytes + kernel.x_bytes(d.dtype, m, column),
                   p.dw + row * d.k + column, d.k);
      }
    });
  }
}

}  // namespace

const WgradKernel& wgrad_kernel() {
  switch (gemm_variant().isa) {
    case Isa::kAvx2: return kAvx2Wgrad;
    case Isa::kAvx512: return kAvx512Wgrad;
    case Isa::kAvx512Bf16: return kAvx512Bf16Wgrad;
    case Isa::kAmx: return kAmxWgrad;
    default: return kPlainWgrad;
  }
}

}  // namespace gemm_internal

void gemm_wgrad_serial(DType dtype, int64_t n, int64_t k, const WgradProblem& problem) {
  using namespace gemm_internal;
  if (n > 0 && k > 0 && problem.m > 0) whole(wgrad_kernel(), {dtype, n, k}, problem);
}

void gemm_wgrad(DType dtype, int64_t n, int64_t k, std::span<const WgradProblem> problems) {
  using namespace gemm_internal;
  if (n == 0 || k == 0) return;
  const WgradKernel& kernel = wgrad_kernel();
  const Dims dims{dtype, n, k};
  int64_t total = 0;
  for (const WgradProblem& p : problems) total += std::max<int64_t>(p.m, 0);
  const int threads = thread_count();
  // A problem is shared where, left whole, it could keep the others waiting and is worth the two extra meetings of the pool.
  constexpr double kWorthSharing = 15e6;  // multiply-adds
  const auto is_shared = [&](const WgradProblem& p) {
    return threads > 1 && p.m * 4 * threads > total && double(p.m) * double(n) * double(k) > kWorthSharing;
  };
  thread_local std::vector<const WgradProblem*> rest;
  rest.clear();
  for (const WgradProblem& p : problems) {
    if (p.m <= 0) continue;
    if (is_shared(p))
      shared(kernel, dims, p);
    else
      rest.push_back(&p);
  }
  const WgradProblem* const* list = rest.data();
  parallel_for(int64_t(rest.size()), [&](int64_t i) { whole(kernel, dims, *list[i]); });
}

}  // namespace minke
