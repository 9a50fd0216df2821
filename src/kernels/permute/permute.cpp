#include "kernels/permute/permute.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/permute/permute_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

int64_t row_grain(int64_t n) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)); }

void gather_rows(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const void* parts, const float* weights, float* y) {
  const auto gather = MINKE_VARIANT(gather_row);
  parallel_ranges(rows, row_grain(n * top_k), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    float* buffer = thread_arena().take<float>(2 * n);
    for (int64_t row = begin; row < end; ++row)
      gather(dtype, top_k, n, plan.place.data() + row * top_k, weights ? weights + row * top_k : nullptr, parts, y + row * n, buffer);
  });
}

}  // namespace

void plan_experts(int64_t rows, int64_t top_k, int64_t experts, const int32_t* chosen, ExpertPlan& plan) {
  const KernelScope kernel("plan experts", 0, 12 * double(rows * top_k));
  const int64_t slots = rows * top_k;
  plan.offsets.assign(size_t(experts + 1), 0);
  plan.source.resize(size_t(slots));
  plan.place.resize(size_t(slots));
  if (kernel.dry()) {  // nobody has chosen: evenly
    for (int64_t e = 0; e <= experts; ++e) plan.offsets[size_t(e)] = slots * e / experts;
    return;
  }
  for (int64_t s = 0; s < slots; ++s) {
    MINKE_CHECK(chosen[s] >= 0 && chosen[s] < experts);
    ++plan.offsets[chosen[s] + 1];
  }
  for (int64_t e = 0; e < experts; ++e) plan.offsets[e + 1] += plan.offsets[e];
  std::vector<int64_t> next(plan.offsets.begin(), plan.offsets.end() - 1);
  for (int64_t s = 0; s < slots; ++s) {
    const int64_t at = next[chosen[s]]++;
    plan.source[at] = int32_t(s);
    plan.place[s] = int32_t(at);
  }
}

void permute_rows(DType dtype, const ExpertPlan& plan, int64_t top_k, int64_t n, const void* x, void* out) {
  const KernelScope kernel("permute", 0, double(plan.source.size()) / double(top_k) * double((1 + top_k) * n) * double(dtype_bytes(dtype)));
  if (kernel.dry()) return;
  const size_t bytes = size_t(n) * dtype_bytes(dtype);
  parallel_ranges(int64_t(plan.source.size()), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at)
      std::memcpy(static_cast<char*>(out) + size_t(at) * bytes, static_cast<const char*>(x) + size_t(plan.source[at] / top_k) * bytes, bytes);
  });
}

void permute_rows_backward(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const void* d_permuted, float* dx) {
  const KernelScope kernel("permute backward", 0, double(rows * n) * (double(top_k) * double(dtype_bytes(dtype)) + 8));
  if (kernel.dry()) return;
  gather_rows(dtype, plan, rows, top_k, n, d_permuted, nullptr, dx);
}

void combine_rows(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const void* expert_out, const float* weights, float* y) {
  const KernelScope kernel("combine", 0, double(rows * n) * (double(top_k) * double(dtype_bytes(dtype)) + 8));
  if (kernel.dry()) return;
  gather_rows(dtype, plan, rows, top_k, n, expert_out, weights, y);
}

void combine_rows_backward(DType dtype, const ExpertPlan& plan, int64_t rows, int64_t top_k, int64_t n, const float* dy, const void* expert_out,
                           const float* weights, void* d_expert_out, float* d_weights) {
  const KernelScope kernel("combine backward", 0, double(rows * n) * (2 * double(top_k) * double(dtype_bytes(dtype)) + 4));
  if (kernel.dry()) return;
  const auto scatter = MINKE_VARIANT(scatter_row);
  const Bf16Encoder encode = bf16_encoder();
  parallel_ranges(rows, row_grain(n * top_k), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    float* buffer = thread_arena().take<float>(n);
    for (int64_t row = begin; row < end; ++row)
      scatter(dtype, top_k, n, plan.place.data() + row * top_k, weights + row * top_k, dy + row * n, expert_out, d_expert_out,
              d_weights + row * top_k, encode, buffer);
  });
}

}  // namespace minke
