#pragma once
// The router as its equations, over any scalar. The selection compares real parts, so that a complex step leaves it fixed.
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/router/router.h"

namespace minke {

template <class T>
void router_logits_ref(int64_t rows, int64_t experts, int64_t n, const T* x, const T* w, T* logits) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t e = 0; e < experts; ++e) {
      T sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += x[row * n + i] * w[e * n + i];
      logits[row * experts + e] = sum;
    }
}

// Indices of the k largest t, descending, the lower index first among equals; entries of -inf come last.
inline std::vector<int32_t> top_k_ref(const std::vector<double>& t, int64_t k) {
  std::vector<int32_t> picked;
  std::vector<bool> taken(t.size(), false);
  while (int64_t(picked.size()) < k) {
    int32_t best = -1;
    for (int32_t i = 0; i < int32_t(t.size()); ++i)
      if (!taken[i] && (best < 0 || t[i] > t[best])) best = i;
    taken[best] = true;
    picked.push_back(best);
  }
  return picked;
}

// Experts chosen from the selection scores t of one row.
inline std::vector<int32_t> router_select_ref(const RouterShape& shape, std::vector<double> t) {
  const int64_t size = shape.experts / shape.groups;
  std::vector<double> group_score;
  for (int64_t g = 0; g < shape.groups; ++g) {
    const std::vector<double> members(t.begin() + g * size, t.begin() + (g + 1) * size);
    double score = 0;
    for (int32_t i : top_k_ref(members, shape.group_top2 && size > 1 ? 2 : 1)) score += members[i];
    group_score.push_back(score);
  }
  std::vector<bool> kept(shape.groups, false);
  for (int32_t g : top_k_ref(group_score, shape.top_groups)) kept[g] = true;
  for (int64_t i = 0; i < shape.experts; ++i)
    if (!kept[i / size]) t[i] = -std::numeric_limits<double>::infinity();
  return top_k_ref(t, shape.top_k);
}

template <class T>
void router_scores_ref(const RouterShape& shape, const T* logits, T* scores) {
  if (!shape.softmax) {
    for (int64_t i = 0; i < shape.experts; ++i) scores[i] = T(1) / (T(1) + std::exp(-logits[i]));
    return;
  }
  double top = std::real(logits[0]);
  for (int64_t i = 1; i < shape.experts; ++i) top = std::fmax(top, std::real(logits[i]));
  T sum = 0;
  for (int64_t i = 0; i < shape.experts; ++i) sum += scores[i] = std::exp(logits[i] - T(top));
  for (int64_t i = 0; i < shape.experts; ++i) scores[i] /= sum;
}

template <class T>
void router_weights_ref(const RouterShape& shape, const T* scores, const int32_t* chosen, T* weights) {
  T sum = 1e-20;
  for (int64_t k = 0; k < shape.top_k; ++k) sum += scores[chosen[k]];
  for (int64_t k = 0; k < shape.top_k; ++k) weights[k] = scores[chosen[k]] * T(shape.scaling) / (shape.normalise ? sum : T(1));
}

template <class T>
void router_forward_ref(const RouterShape& shape, int64_t rows, const T* logits, const float* bias, T* scores, int32_t* chosen, T* weights) {
  for (int64_t row = 0; row < rows; ++row, logits += shape.experts, scores += shape.experts, chosen += shape.top_k, weights += shape.top_k) {
    router_scores_ref(shape, logits, scores);
    std::vector<double> t;
    for (int64_t i = 0; i < shape.experts; ++i) t.push_back(std::real(scores[i]) + (bias ? bias[i] : 0.0f));
    const std::vector<int32_t> picked = router_select_ref(shape, t);
    for (int64_t k = 0; k < shape.top_k; ++k) chosen[k] = picked[k];
    router_weights_ref(shape, scores, chosen, weights);
  }
}

template <class T>
void router_backward_ref(const RouterShape& shape, int64_t rows, const T* scores, const int32_t* chosen, const T* d_weights, const T* d_scores,
                         T* d_logits) {
  for (int64_t row = 0; row < rows; ++row) {
    const T *s = scores + row * shape.experts, *dg = d_weights + row * shape.top_k;
    const int32_t* picked = chosen + row * shape.top_k;
    std::vector<T> ds(shape.experts, T(0));
    if (d_scores) ds.assign(d_scores + row * shape.experts, d_scores + (row + 1) * shape.experts);
    T sum = 1e-20, mean = 0;
    for (int64_t k = 0; k < shape.top_k; ++k) sum += s[picked[k]];
    for (int64_t k = 0; k < shape.top_k; ++k) mean += dg[k] * s[picked[k]] / sum;
    for (int64_t k = 0; k < shape.top_k; ++k) ds[picked[k]] += T(shape.scaling) * (shape.normalise ? (dg[k] - mean) / sum : dg[k]);
    T dot = 0;
    for (int64_t i = 0; i < shape.experts; ++i) dot += ds[i] * s[i];
    for (int64_t i = 0; i < shape.experts; ++i)
      d_logits[row * shape.experts + i] = shape.softmax ? s[i] * (ds[i] - dot) : ds[i] * s[i] * (T(1) - s[i]);
  }
}

// Report eq. 17-20; the counts are of real parts, the gradient flows through P alone.
template <class T>
T balance_loss_ref(int64_t experts, int64_t top_k, int64_t rows, const T* scores, double alpha, T* d_scores) {
  std::vector<T> f(experts, T(0)), p(experts, T(0)), row_sum(rows, T(0));
  for (int64_t row = 0; row < rows; ++row) {
    const T* s = scores + row * experts;
    std::vector<double> t;
    for (int64_t i = 0; i < experts; ++i) t.push_back(std::real(s[i])), row_sum[row] += s[i];
    for (int32_t i : top_k_ref(t, top_k)) f[i] += T(double(experts) / double(top_k * rows));
    for (int64_t i = 0; i < experts; ++i) p[i] += s[i] / row_sum[row] / T(double(rows));
  }
  T loss = 0;
  for (int64_t i = 0; i < experts; ++i) loss += T(alpha) * f[i] * p[i];
  for (int64_t row = 0; row < rows && d_scores; ++row) {
    const T* s = scores + row * experts;
    T mean = 0;
    for (int64_t i = 0; i < experts; ++i) mean += f[i] * s[i] / row_sum[row];
    for (int64_t i = 0; i < experts; ++i) d_scores[row * experts + i] += T(alpha / double(rows)) * (f[i] - mean) / row_sum[row];
  }
  return loss;
}

}  // namespace minke
