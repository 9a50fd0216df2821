#include "kernels/router/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/threads.h"
#include "kernels/math/isa_variants.h"
#include "kernels/math/vexp.h"

#define MINKE_VARIANT_LOOPS "kernels/router/router_loops.inc"
#include "kernels/math/isa_variants.inc"

namespace minke {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr int64_t kRowChunk = 64;  // rows whose shares of the balance loss are one partial sum

// NaN counts as the largest, so that it is chosen and reaches the loss instead of hiding in an expert that nobody asks.
bool greater(float a, float b) { return a > b || (a != a && b == b); }

// Calls picked(index) for the k largest of t [n], descending, the lower index first among equals. Entries with blocked[i] set are
// passed over; picked ones become blocked. REQUIRES k free entries.
template <class Picked>
void pick_largest(const float* t, int64_t n, int64_t k, uint8_t* blocked, Picked picked) {
  for (int64_t rank = 0; rank < k; ++rank) {
    int64_t best = -1;
    for (int64_t i = 0; i < n; ++i)
      if (!blocked[i] && (best < 0 || greater(t[i], t[best]))) best = i;
    blocked[best] = 1;
    picked(rank, best);
  }
}

float group_score(const float* t, int64_t n, bool top2) {
  float first = t[0], second = -kInf;
  for (int64_t i = 1; i < n; ++i) {
    if (greater(t[i], first)) {
      second = first;
      first = t[i];
    } else if (greater(t[i], second)) {
      second = t[i];
    }
  }
  return top2 && n > 1 ? first + second : first;
}

struct Work {
  float *t, *group;               // [experts], [groups]
  uint8_t *blocked, *group_blocked;

  Work(const RouterShape& shape, Arena& arena)
      : t(arena.take<float>(shape.experts)),
        group(arena.take<float>(shape.groups)),
        blocked(arena.take<uint8_t>(shape.experts)),
        group_blocked(arena.take<uint8_t>(shape.groups)) {}
};

void select(const RouterShape& shape, const float* scores, const float* bias, int32_t* chosen, Work& work) {
  const int64_t size = shape.experts / shape.groups;
  for (int64_t i = 0; i < shape.experts; ++i) work.t[i] = bias ? scores[i] + bias[i] : scores[i];
  const bool limited = shape.top_groups < shape.groups;
  std::fill_n(work.blocked, shape.experts, uint8_t(limited));
  if (limited) {
    for (int64_t g = 0; g < shape.groups; ++g) work.group[g] = group_score(work.t + g * size, size, shape.group_top2);
    std::fill_n(work.group_blocked, shape.groups, uint8_t(0));
    pick_largest(work.group, shape.groups, shape.top_groups, work.group_blocked,
                 [&](int64_t, int64_t g) { std::fill_n(work.blocked + g * size, size, uint8_t(0)); });
  }
  pick_largest(work.t, shape.experts, shape.top_k, work.blocked, [&](int64_t rank, int64_t i) { chosen[rank] = int32_t(i); });
}

// sum_{j in S} s_j + 1e-20, in the order of S
float chosen_sum(const RouterShape& shape, const float* scores, const int32_t* chosen) {
  float sum = 0;
  for (int64_t k = 0; k < shape.top_k; ++k) sum += scores[chosen[k]];
  return sum + 1e-20f;
}

int64_t row_grain(int64_t experts) { return std::max<int64_t>(1, 2048 / std::max<int64_t>(experts, 1)); }

}  // namespace

void router_forward(const RouterShape& shape, int64_t rows, const float* logits, const float* bias, float* scores, int32_t* chosen, float* weights) {
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
      const float factor = shape.normalise ? shape.scaling / chosen_sum(shape, s, picked) : shape.scaling;
      for (int64_t k = 0; k < shape.top_k; ++k) weights[row * shape.top_k + k] = s[picked[k]] * factor;
    }
  });
}

void router_backward(const RouterShape& shape, int64_t rows, const float* scores, const int32_t* chosen, const float* d_weights,
                     const float* d_scores, float* d_logits) {
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
  const auto share = MINKE_VARIANT(balance_row_share);
  const auto gradient = MINKE_VARIANT(balance_row_gradient);
  const int64_t chunks = (rows + kRowChunk - 1) / kRowChunk;
  std::vector<double> counts(size_t(chunks * experts), 0.0), shares(size_t(chunks * experts), 0.0);  // [chunks, experts]
  parallel_for(chunks, [&](int64_t c) {
    std::vector<uint8_t> blocked(static_cast<size_t>(experts));
    for (int64_t row = c * kRowChunk; row < std::min(rows, (c + 1) * kRowChunk); ++row) {
      const float* s = scores + row * experts;
      std::fill(blocked.begin(), blocked.end(), uint8_t(0));
      pick_largest(s, experts, top_k, blocked.data(), [&](int64_t, int64_t i) { counts[c * experts + i] += 1; });
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
