#include "kernels/router/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/router/router_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr int64_t kRowChunk = 64;  // rows whose shares of the balance loss are one partial sum

// t as an integer that orders like it, entry i of a row: larger t first, then the lower index. NaN counts as the largest, so that it
// is chosen and reaches the loss instead of hiding in an expert that nobody asks. Never 0, which marks an entry that is out.
uint64_t order_key(float t, int64_t i) {
  const uint32_t bits = float_bits(t + 0.0f);  // -0 equals 0
  const uint32_t ascending = t != t ? ~0u : bits ^ (bits >> 31 ? ~0u : 0x80000000u);
  return uint64_t(ascending) << 32 | (0xFFFFFFFFu - uint32_t(i));
}

// Takes the largest of n keys out and returns its index. REQUIRES one that is not 0.
int64_t take_largest(uint64_t* keys, int64_t n) {
  uint64_t best = 0;
  for (int64_t i = 0; i < n; ++i) best = std::max(best, keys[i]);
  const int64_t index = 0xFFFFFFFFu - uint32_t(best);
  keys[index] = 0;
  return index;
}

float group_score(const float* t, int64_t n, bool top2) {
  float first = t[0], second = -kInf, sum = t[0];
  for (int64_t i = 1; i < n; ++i) {
    sum += t[i];
    second = std::max(second, std::min(first, t[i]));
    first = std::max(first, t[i]);
  }
  if (sum != sum) return sum;  // a NaN, or infinities of both signs
  return top2 && n > 1 ? first + second : first;
}

// Scratch for one row's selection.
struct Work {
  float* t;
  uint64_t *keys, *group_keys;  // [experts], [groups]

  Work(const RouterShape& shape, Arena& arena)
      : t(arena.take<float>(shape.experts)), keys(arena.take<uint64_t>(shape.experts)), group_keys(arena.take<uint64_t>(shape.groups)) {}
};

void select(const RouterShape& shape, const float* scores, const float* bias, int32_t* chosen, Work& work) {
  const int64_t size = shape.experts / shape.groups;
  for (int64_t i = 0; i < shape.experts; ++i) {
    work.t[i] = bias ? scores[i] + bias[i] : scores[i];
    work.keys[i] = order_key(work.t[i], i);
  }
  if (shape.top_groups < shape.groups) {
    for (int64_t g = 0; g < shape.groups; ++g) work.group_keys[g] = order_key(group_score(work.t + g * size, size, shape.group_top2), g);
    for (int64_t g = 0; g < shape.top_groups; ++g) take_largest(work.group_keys, shape.groups);
    for (int64_t g = 0; g < shape.groups; ++g)
      if (work.group_keys[g] != 0) std::fill_n(work.keys + g * size, size, uint64_t(0));  // not taken: out
  }
  for (int64_t k = 0; k < shape.top_k; ++k) chosen[k] = int32_t(take_largest(work.keys, shape.experts));
}

// sum_{j in S} s_j + 1e-20, in the order of S
float chosen_sum(const RouterShape& shape, const float* scores, const int32_t* chosen) {
  float sum = 0;
  for (int64_t k = 0; k < shape.top_k; ++k) sum += scores[chosen[k]];
  return sum + 1e-20f;
}

// g of one row
void weigh(const RouterShape& shape, const float* scores, const int32_t* chosen, float* weights) {
  const float factor = shape.normalise ? shape.scaling / chosen_sum(shape, scores, chosen) : shape.scaling;
  for (int64_t k = 0; k < shape.top_k; ++k) weights[k] = scores[chosen[k]] * factor;
}

int64_t row_grain(int64_t experts) { return std::max<int64_t>(1, 2048 / std::max<int64_t>(experts, 1)); }

}  // namespace

void router_forward(const RouterShape& shape, int64_t rows, const float* logits, const float* bias, float* scores, int32_t* chosen, float* weights) {
  const KernelScope kernel("router forward", 0, 8 * double(rows * shape.experts));
  if (kernel.dry()) return;
  MINKE_CHECK_GE(shape.groups, 1);
  MINKE_CHECK_EQ(shape.experts % shape.groups, 0);
  MINKE_CHECK_LE(shape.top_groups, shape.groups);
  MINKE_CHECK_LE(shape.top_k, shape.experts / shape.groups * shape.top_groups);
  const auto score = shape.softmax ? MINKE_VARIANT(softmax_row) : MINKE_VARIANT(sigmoid_row);
  parallel_ranges(rows, row_grain(shape.experts), [&](int64_t begin, int64_t end) {
    ArenaScope scope(thread_arena());
    Work work(shape, thread_arena());
    for (int64_t row = begin; row < end; ++row) {
      float* s = scores + row * shape.experts;
      int32_t* picked = chosen + row * shape.top_k;
      score(logits + row * shape.experts, s, shape.experts);
      select(shape, s, bias, picked, work);
      weigh(shape, s, picked, weights + row * shape.top_k);
    }
  });
}

void router_weights(const RouterShape& shape, int64_t rows, const float* scores, const int32_t* chosen, float* weights) {
  parallel_ranges(rows, row_grain(shape.experts), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) weigh(shape, scores + row * shape.experts, chosen + row * shape.top_k, weights + row * shape.top_k);
  });
}

void router_backward(const RouterShape& shape, int64_t rows, const float* scores, const int32_t* chosen, const float* d_weights,
                     const float* d_scores, float* d_logits) {
  const KernelScope kernel("router backward", 0, (d_scores ? 12 : 8) * double(rows * shape.experts));
  if (kernel.dry()) return;
  const auto through_score = shape.softmax ? MINKE_VARIANT(softmax_backward_row) : MINKE_VARIANT(sigmoid_backward_row);
  parallel_ranges(rows, row_grain(shape.experts), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float *s = scores + row * shape.experts, *dg = d_weights + row * shape.top_k;
      const int32_t* picked = chosen + row * shape.top_k;
      float* ds = d_logits + row * shape.experts;
      if (d_scores)
        std::copy_n(d_scores + row * shape.experts, shape.experts, ds);
      else
        std::fill_n(ds, shape.experts, 0.0f);
      // g_i = c s_i / D:   ds_i = c (dg_i - sum_j dg_j s_j / D) / D
      if (shape.normalise) {
        const float sum = chosen_sum(shape, s, picked);
        float mean = 0;
        for (int64_t k = 0; k < shape.top_k; ++k) mean += dg[k] * (s[picked[k]] / sum);
        for (int64_t k = 0; k < shape.top_k; ++k) ds[picked[k]] += shape.scaling / sum * (dg[k] - mean);
      } else {
        for (int64_t k = 0; k < shape.top_k; ++k) ds[picked[k]] += shape.scaling * dg[k];
      }
      through_score(s, ds, shape.experts);
    }
  });
}

double balance_loss(int64_t experts, int64_t top_k, int64_t rows, const float* scores, float alpha, float* d_scores) {
  if (rows == 0) return 0;
  const KernelScope kernel("balance loss", 0, (d_scores ? 16 : 4) * double(rows * experts));
  if (kernel.dry()) return 0;
  const auto share = MINKE_VARIANT(balance_row_share);
  const auto gradient = MINKE_VARIANT(balance_row_gradient);
  const int64_t chunks = (rows + kRowChunk - 1) / kRowChunk;
  std::vector<double> counts(size_t(chunks * experts), 0.0), shares(size_t(chunks * experts), 0.0);  // [chunks, experts]
  parallel_for(chunks, [&](int64_t c) {
    std::vector<uint64_t> keys(static_cast<size_t>(experts));
    for (int64_t row = c * kRowChunk; row < std::min(rows, (c + 1) * kRowChunk); ++row) {
      const float* s = scores + row * experts;
      for (int64_t i = 0; i < experts; ++i) keys[i] = order_key(s[i], i);
      for (int64_t k = 0; k < top_k; ++k) counts[c * experts + take_largest(keys.data(), experts)] += 1;
      share(s, shares.data() + c * experts, experts);
    }
  });
  double loss = 0;
  std::vector<float> f(static_cast<size_t>(experts));
  for (int64_t i = 0; i < experts; ++i) {
    double count = 0, p = 0;
    for (int64_t c = 0; c < chunks; ++c) count += counts[c * experts + i], p += shares[c * experts + i];
    const double f_i = double(experts) / double(top_k * rows) * count;
    loss += double(alpha) * f_i * (p / double(rows));
    f[i] = float(f_i);
  }
  if (d_scores)
    parallel_ranges(rows, row_grain(experts), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        gradient(scores + row * experts, f.data(), float(double(alpha) / double(rows)), d_scores + row * experts, experts);
    });
  return loss;
}

}  // namespace minke
