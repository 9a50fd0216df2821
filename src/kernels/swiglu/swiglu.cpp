#include "kernels/swiglu/swiglu.h"

#include <algorithm>
#include <cmath>

#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/swiglu/swiglu_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr int64_t kBlock = 256;  // columns computed in f32 before they are rounded: three blocks stay in the first cache

int64_t row_grain(int64_t n) { return std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1)); }

// body(row, at, size) for the column blocks of all rows.
template <class Body>
void for_each_block(int64_t rows, int64_t n, const Body& body) {
  parallel_ranges(rows, row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t at = 0; at < n; at += kBlock) body(row, at, std::min(kBlock, n - at));
  });
}

}  // namespace

void swiglu_forward(DType dtype, int64_t rows, int64_t n, const void* gate_up, void* h) {
  const KernelScope kernel("swiglu forward", 0, 3 * double(rows * n) * double(dtype_bytes(dtype)));
  if (kernel.dry()) return;
  if (dtype == DType::kF32) {
    const auto loop = MINKE_VARIANT(forward_f32);
    for_each_block(rows, n, [&](int64_t row, int64_t at, int64_t size) {
      loop(static_cast<const float*>(gate_up) + row * 2 * n, static_cast<float*>(h) + row * n + at, n, at, size);
    });
    return;
  }
  const auto loop = MINKE_VARIANT(forward_bf16);
  const Bf16Encoder encode = bf16_encoder();
  for_each_block(rows, n, [&](int64_t row, int64_t at, int64_t size) {
    alignas(64) float block[kBlock];
    loop(static_cast<const bf16*>(gate_up) + row * 2 * n, block, n, at, size);
    encode(block, static_cast<bf16*>(h) + row * n + at, size);
  });
}

void swiglu_backward(DType dtype, int64_t rows, int64_t n, const void* gate_up, const void* dh, void* d_gate_up, void* h_out) {
  const KernelScope kernel("swiglu backward", 0, (h_out ? 6 : 5) * double(rows * n) * double(dtype_bytes(dtype)));
  if (kernel.dry()) return;
  if (dtype == DType::kF32) {
    const auto loop = MINKE_VARIANT(backward_f32);
    for_each_block(rows, n, [&](int64_t row, int64_t at, int64_t size) {
      alignas(64) float unwanted[kBlock];
      float* d = static_cast<float*>(d_gate_up) + row * 2 * n + at;
      loop(static_cast<const float*>(gate_up) + row * 2 * n, static_cast<const float*>(dh) + row * n, d, d + n,
           h_out ? static_cast<float*>(h_out) + row * n + at : unwanted, n, at, size);
    });
    return;
  }
  const auto loop = MINKE_VARIANT(backward_bf16);
  const Bf16Encoder encode = bf16_encoder();
  for_each_block(rows, n, [&](int64_t row, int64_t at, int64_t size) {
    alignas(64) float d_gate[kBlock], d_up[kBlock], h[kBlock];
    loop(static_cast<const bf16*>(gate_up) + row * 2 * n, static_cast<const bf16*>(dh) + row * n, d_gate, d_up, h, n, at, size);
    bf16* d = static_cast<bf16*>(d_gate_up) + row * 2 * n + at;
    encode(d_gate, d, size);
    encode(d_up, d + n, size);
    if (h_out) encode(h, static_cast<bf16*>(h_out) + row * n + at, size);
  });
}

}  // namespace minke
