#pragma once
// Cross-entropy of rows of logits. The log-sum-exp walks the vocabulary in fixed chunks of kVocabChunk from the first entry, so
// that loss and sampler share one answer.
#include <cstdint>

#include "numeric/dtype.h"

namespace minke {

inline constexpr int64_t kVocabChunk = 1024;

// log sum exp of logits [n] (f32).
float log_sum_exp(int64_t n, const float* logits);

// log softmax(logits [n])[target], which is minus the nll of cross_entropy_rows bit for bit. For another temperature than 1 the
// logits go through temper_rows first.
float token_logp(int64_t n, const float* logits, int32_t target);

// logits [rows, n] /= temperature, in place, a division each.
void temper_rows(int64_t rows, int64_t n, float temperature, float* logits);

// logits [rows, n] f32. nll[row] = lse - logit[target], f32, unweighted; a row whose target is < 0 gets 0.
// d_logits [rows, n] of d_dtype (or null) = scale[row] (softmax - onehot); rows with target < 0 or scale 0 get zeros.
void cross_entropy_rows(int64_t rows, int64_t n, const float* logits, const int32_t* targets, const float* scale, float* nll, DType d_dtype,
                        void* d_logits);

}  // namespace minke
