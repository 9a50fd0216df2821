#include "kernels/adamw/adamw.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

namespace minke {
namespace {

// What the loop multiplies by, each rounded to f32 once.
struct AdamWFactors {
  float lr, beta1, one_minus_beta1, beta2, one_minus_beta2, m_correction, v_correction, eps, decay, grad_scale;
};

constexpr int64_t kBlock = 512;       // moments computed in f32 before they are rounded
constexpr int64_t kSumChunk = 65536;  // elements whose squares are one partial sum

}  // namespace
}  // namespace minke

#define MINKE_VARIANT_LOOPS "kernels/adamw/adamw_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

void adamw_update(const AdamW& a, DType moment_dtype, int64_t n, float* w, const float* g, void* m, void* v) {
  const KernelScope kernel("adamw", 0, double(n) * double(12 + 4 * dtype_bytes(moment_dtype)));
  if (kernel.dry()) return;
  const double b1 = a.beta1, b2 = a.beta2;
  const AdamWFactors factors{a.lr,
                             a.beta1,
                             float(1 - b1),
                             a.beta2,
                             float(1 - b2),
                             float(1 / (1 - std::pow(b1, double(a.step)))),
                             float(1 / (1 - std::pow(b2, double(a.step)))),
                             a.eps,
                             a.decay,
                             a.grad_scale};
  if (moment_dtype == DType::kF32) {
    const auto update = MINKE_VARIANT(update_f32);
    parallel_ranges(n, 16384, [&](int64_t begin, int64_t end) {
      update(factors, end - begin, w + begin, g + begin, static_cast<float*>(m) + begin, static_cast<float*>(v) + begin);
    });
    return;
  }
  const auto update = MINKE_VARIANT(update_bf16);
  const Bf16Encoder encode = bf16_encoder();
  parallel_ranges(n, 16384, [&](int64_t begin, int64_t end) {
    alignas(64) float m_new[kBlock], v_new[kBlock];
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t size = std::min(kBlock, end - at);
      bf16 *m_at = static_cast<bf16*>(m) + at, *v_at = static_cast<bf16*>(v) + at;
      update(factors, size, w + at, g + at, m_at, v_at, m_new, v_new);
      encode(m_new, m_at, size);
      encode(v_new, v_at, size);
    }
  });
}

double sum_of_squares(int64_t n, const float* x) {
  const KernelScope kernel("gradient norm", 0, 4 * double(n));
  if (kernel.dry()) return 0;
  const int64_t chunks = (n + kSumChunk - 1) / kSumChunk;
  std::vector<double> partial(size_t(chunks), 0.0);
  const auto chunk_sum = MINKE_VARIANT(sum_of_squares_chunk);
  parallel_for(chunks, [&](int64_t c) { partial[c] = chunk_sum(x + c * kSumChunk, std::min(kSumChunk, n - c * kSumChunk)); });
  double sum = 0;
  for (double p : partial) sum += p;
  return sum;
}

}  // namespace minke
