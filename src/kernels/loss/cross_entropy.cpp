#include "kernels/loss/cross_entropy.h"

#include <cmath>
#include <cstring>

#include "base/buffer.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/row_format.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/loss/cross_entropy_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {

float log_sum_exp(int64_t n, const float* logits) {
  ArenaScope scope(thread_arena());
  return MINKE_VARIANT(log_sum_exp_row)(logits, n, thread_arena().take<float>(kVocabChunk), nullptr);
}

float token_logp(int64_t n, const float* logits, int32_t target) { return logits[target] - log_sum_exp(n, logits); }

void temper_rows(int64_t rows, int64_t n, float temperature, float* logits) {
  if (temperature == 1) return;
  parallel_ranges(rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * n; i < end * n; ++i) logits[i] /= temperature;
  });
}

void cross_entropy_rows(int64_t rows, int64_t n, const float* logits, const int32_t* targets, const float* scale, float* nll, DType d_dtype,
                        void* d_logits) {
  const KernelScope kernel("cross entropy", 0, double(rows * n) * (4 + (d_logits ? double(dtype_bytes(d_dtype)) : 0)));
  if (kernel.dry()) return;
  const auto log_sum_exp_of = MINKE_VARIANT(log_sum_exp_row);
  const auto gradient = MINKE_VARIANT(gradient_row);
  const Bf16Encoder encode = bf16_encoder();
  const size_t row_bytes = size_t(n) * dtype_bytes(d_dtype);
  parallel_ranges(rows, 1, [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    float* e = thread_arena().take<float>(n + kVocabChunk);
    float* tops = thread_arena().take<float>(n / kVocabChunk + 1);
    for (int64_t row = begin; row < end; ++row) {
      const float* x = logits + row * n;
      const int32_t target = targets[row];
      char* d = d_logits ? static_cast<char*>(d_logits) + size_t(row) * row_bytes : nullptr;
      const bool wants_gradient = d && target >= 0 && scale[row] != 0;
      if (d && !wants_gradient) std::memset(d, 0, row_bytes);
      if (target < 0) {
        nll[row] = 0;
        continue;
      }
      const float lse = log_sum_exp_of(x, n, e, wants_gradient ? tops : nullptr);
      nll[row] = lse - x[target];
      if (!wants_gradient) continue;
      gradient(e, tops, lse, scale[row], target, d_dtype == DType::kF32 ? reinterpret_cast<float*>(d) : e, n);
      if (d_dtype == DType::kBF16) encode(e, reinterpret_cast<bf16*>(d), n);
    }
  });
}

}  // namespace minke
