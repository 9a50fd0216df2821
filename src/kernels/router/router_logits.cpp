#include "kernels/router/router_logits.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/router/router_logits_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr int64_t kRowChunk = 64;   // rows whose dW is one partial sum
constexpr int64_t kColumns = 64;    // columns of dW that one task owns

int64_t row_grain(int64_t experts, int64_t n) { return std::max<int64_t>(1, 65536 / std::max<int64_t>(experts * n, 1)); }

}  // namespace

void router_logits_forward(DType x_dtype, int64_t rows, int64_t experts, int64_t n, const void* x, const float* w, float* logits) {
  const KernelScope kernel("router logits forward", 0, double(rows * n) * double(dtype_bytes(x_dtype)));
  if (kernel.dry()) return;
  const auto as_f32 = MINKE_VARIANT(row_as_f32);
  const auto product = MINKE_VARIANT(logits_row);
  parallel_ranges(rows, row_grain(experts, n), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    float* buffer = thread_arena().take<float>(n);
    for (int64_t row = begin; row < end; ++row) product(as_f32(x_dtype, x, row * n, n, buffer), w, experts, n, logits + row * experts);
  });
}

void router_logits_backward_x(int64_t rows, int64_t experts, int64_t n, const float* d_logits, const float* w, float* dx) {
  const KernelScope kernel("router logits dgrad", 0, 8 * double(rows * n));
  if (kernel.dry()) return;
  const auto gradient = MINKE_VARIANT(input_gradient_row);
  parallel_ranges(rows, row_grain(experts, n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) gradient(d_logits + row * experts, w, experts, n, dx + row * n);
  });
}

// Columns are shared out: a task walks all rows for its own, so no partial sums of other threads are needed.
void router_logits_backward_w(DType x_dtype, int64_t rows, int64_t experts, int64_t n, const void* x, const float* d_logits, float* dw) {
  const KernelScope kernel("router logits wgrad", 0, double(rows * n) * double(dtype_bytes(x_dtype)));
  if (kernel.dry()) return;
  const auto decode = MINKE_VARIANT(decode_row);
  const auto gradient = MINKE_VARIANT(weight_gradient_chunk);
  parallel_for((n + kColumns - 1) / kColumns, [&](int64_t block) {
    const int64_t first = block * kColumns, size = std::min(kColumns, n - first);
    ArenaScope scope(thread_arena());
    float* decoded = thread_arena().take<float>(kRowChunk * size);
    for (int64_t row = 0; row < rows; row += kRowChunk) {
      const int64_t count = std::min(kRowChunk, rows - row);
      const float* chunk = decoded;
      if (x_dtype == DType::kF32)
        chunk = static_cast<const float*>(x) + row * n + first;
      else
        for (int64_t r = 0; r < count; ++r) decode(static_cast<const bf16*>(x) + (row + r) * n + first, decoded + r * size, size);
      gradient(chunk, x_dtype == DType::kF32 ? n : size, d_logits + row * experts, experts, count, size, dw + first, n);
    }
  });
}

}  // namespace minke
