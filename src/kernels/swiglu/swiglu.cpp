#include "kernels/swiglu/swiglu.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/swiglu/swiglu_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

template <class S, class Loop>
void forward(Loop loop, int64_t rows, int64_t n, const void* gate_up, void* h) {
  parallel_ranges(rows, std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
    loop(static_cast<const S*>(gate_up) + begin * 2 * n, static_cast<S*>(h) + begin * n, end - begin, n);
  });
}

template <class S, class Loop>
void backward(Loop loop, int64_t rows, int64_t n, const void* gate_up, const void* dh, void* d_gate_up, void* h) {
  parallel_ranges(rows, std::max<int64_t>(1, 8192 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
    loop(static_cast<const S*>(gate_up) + begin * 2 * n, static_cast<const S*>(dh) + begin * n, static_cast<S*>(d_gate_up) + begin * 2 * n,
         h ? static_cast<S*>(h) + begin * n : nullptr, end - begin, n);
  });
}

}  // namespace

void swiglu_forward(DType dtype, int64_t rows, int64_t n, const void* gate_up, void* h) {
  if (dtype == DType::kF32)
    forward<float>(MINKE_VARIANT(forward_rows_f32), rows, n, gate_up, h);
  else
    forward<bf16>(MINKE_VARIANT(forward_rows_bf16), rows, n, gate_up, h);
}

void swiglu_backward(DType dtype, int64_t rows, int64_t n, const void* gate_up, const void* dh, void* d_gate_up, void* h_out) {
  if (dtype == DType::kF32)
    backward<float>(MINKE_VARIANT(backward_rows_f32), rows, n, gate_up, dh, d_gate_up, h_out);
  else
    backward<bf16>(MINKE_VARIANT(backward_rows_bf16), rows, n, gate_up, dh, d_gate_up, h_out);
}

}  // namespace minke
