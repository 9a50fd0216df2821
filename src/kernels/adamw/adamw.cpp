#include "kernels/adamw/adamw.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

namespace minke {
namespace {

// What the loop multiplies by, each rounded to f32 once.
struct AdamWFactors {
  float lr, beta1, one_minus_beta1, beta2, one_minus_beta2, m_correction, v_correction, eps, decay, grad_scale;
};

constexpr int64_t kSumChunk = 65536;  // elements whose squares are one partial sum

}  // namespace
}  // namespace minke

#define MINKE_VARIANT_LOOPS "kernels/adamw/adamw_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

void adamw_update(const AdamW& a, DType moment_dtype, int64_t n, float* w, const float* g, void* m, void* v) {
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
  const auto f32 = MINKE_VARIANT(update_f32);
  const auto bf = MINKE_VARIANT(update_bf16);
  parallel_ranges(n, 16384, [&](int64_t begin, int64_t end) {
    if (moment_dtype == DType::kF32)
      f32(factors, end - begin, w + begin, g + begin, static_cast<float*>(m) + begin, static_cast<float*>(v) + begin);
    else
      bf(factors, end - begin, w + begin, g + begin, static_cast<bf16*>(m) + begin, static_cast<bf16*>(v) + begin);
  });
}

double sum_of_squares(int64_t n, const float* x) {
  const int64_t chunks = (n + kSumChunk - 1) / kSumChunk;
  std::vector<double> partial(size_t(chunks), 0.0);
  const auto chunk_sum = MINKE_VARIANT(sum_of_squares_chunk);
  parallel_for(chunks, [&](int64_t c) { partial[c] = chunk_sum(x + c * kSumChunk, std::min(kSumChunk, n - c * kSumChunk)); });
  double sum = 0;
  for (double p : partial) sum += p;
  return sum;
}

}  // namespace minke
