#include "kernels/norm/rms_norm.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

namespace minke {
namespace {

struct RmsForward {
  int64_t n;
  float eps;
  DType x_dtype;
  const void* x;
  int64_t ld_x;
  const float* w;
  DType y_dtype;
  void* y;
  int64_t ld_y;
  float* rstd;
  Bf16Encoder encode;
};

struct RmsBackward {
  int64_t n;
  DType x_dtype;
  const void* x;
  int64_t ld_x;
  const float *w, *rstd;
  DType dy_dtype;
  const void* dy;
  int64_t ld_dy;
  DType dx_dtype;
  void* dx;
  int64_t ld_dx;
  bool add_dx;
  Bf16Encoder encode;
};

constexpr int64_t kRowChunk = 64;  // rows whose dw is one partial sum

}  // namespace
}  // namespace minke

#define MINKE_VARIANT_LOOPS "kernels/norm/rms_norm_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

void rms_norm_forward(int64_t rows, int64_t n, float eps, DType x_dtype, const void* x, int64_t ld_x, const float* w, DType y_dtype, void* y,
                      int64_t ld_y, float* rstd) {
  const KernelScope kernel("rms_norm forward", 0, double(rows * n) * double(dtype_bytes(x_dtype) + dtype_bytes(y_dtype)));
  if (kernel.dry()) return;
  const RmsForward args{n, eps, x_dtype, x, ld_x, w, y_dtype, y, ld_y, rstd, bf16_encoder()};
  const auto loop = MINKE_VARIANT(forward_rows);
  parallel_ranges(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    loop(args, begin, end, thread_arena().take<float>(n));
  });
}

void rms_norm_backward(int64_t rows, int64_t n, DType x_dtype, const void* x, int64_t ld_x, const float* w, const float* rstd, DType dy_dtype,
                       const void* dy, int64_t ld_dy, DType dx_dtype, void* dx, int64_t ld_dx, bool add_dx, float* dw) {
  MINKE_CHECK(!add_dx || dx_dtype == DType::kF32);
  const KernelScope kernel("rms_norm backward", 0,
                           double(rows * n) * double(dtype_bytes(x_dtype) + dtype_bytes(dy_dtype) + (add_dx ? 2 : 1) * dtype_bytes(dx_dtype)));
  const RmsBackward args{n, x_dtype, x, ld_x, w, rstd, dy_dtype, dy, ld_dy, dx_dtype, dx, ld_dx, add_dx, bf16_encoder()};
  const auto loop = MINKE_VARIANT(backward_rows);
  const int64_t chunks = (rows + kRowChunk - 1) / kRowChunk;
  ArenaScope scope(thread_arena());
  float* partial = thread_arena().take<float>(chunks * n);  // [chunks, n]
  if (kernel.dry()) return;
  parallel_for(chunks, [&](int64_t c) {
    ArenaScope inner(thread_arena());
    loop(args, c * kRowChunk, std::min(rows, (c + 1) * kRowChunk), partial + c * n, thread_arena().take<float>(3 * n));
  });
  for (int64_t c = 0; c < chunks; ++c)
    for (int64_t i = 0; i < n; ++i) dw[i] += partial[c * n + i];
}

}  // namespace minke
