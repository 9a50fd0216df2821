#include "infer/sampler.h"

#include <algorithm>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/rng.h"
#include "kernels/draw/draw.h"

namespace minke {

void SamplerOptions::validate() const {
  if (!(temperature >= 0 && temperature <= 100)) usage_fail("--temperature {}: expected 0 (greedy) to 100", temperature);
  if (!(top_p > 0 && top_p <= 1)) usage_fail("--top-p {}: expected more than 0 and at most 1", top_p);
  if (top_k < 0) usage_fail("--top-k {}: expected 0 (all) or more", top_k);
  if (!(min_p >= 0 && min_p <= 1)) usage_fail("--min-p {}: expected 0 to 1", min_p);
}

namespace {

// A token among the likeliest that top-k, top-p and min-p leave; weights [n] relative to the likeliest's 1, their sum, u in [0, 1).
int32_t draw_filtered(int64_t n, const float* logits, const float* weights, double sum, const SamplerOptions& o, double u) {
  const auto likelier = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  const bool few = o.top_k > 0 && o.top_k < n;
  // All entries lighter than this together weigh less than top-p leaves out: only the others need an order.
  const double least = few ? 0 : 0.999 * (1 - o.top_p) * sum / double(n);
  std::vector<int32_t> order;
  for (int64_t i = 0; i < n; ++i)
    if (double(weights[i]) >= least) order.push_back(int32_t(i));
  if (few) {
    std::nth_element(order.begin(), order.begin() + o.top_k, order.end(), likelier);
    order.resize(size_t(o.top_k));
  }
  std::sort(order.begin(), order.end(), likelier);
  if (few) {
    sum = 0;
    for (const int32_t i : order) sum += double(weights[i]);
  }
  size_t keep = order.size();
  if (o.top_p < 1) {
    double reached = 0;
    size_t i = 0;
    while (i < keep && reached < o.top_p * sum) reached += double(weights[order[i++]]);
    keep = std::max<size_t>(i, 1);
  }
  while (keep > 1 && double(weights[order[keep - 1]]) < o.min_p) --keep;  // in descending order
  sum = 0;
  for (size_t i = 0; i < keep; ++i) sum += double(weights[order[i]]);
  double at = u * sum;
  for (size_t i = 0; i < keep; ++i)
    if ((at -= double(weights[order[i]])) < 0) return order[i];
  while (keep > 1 && weights[order[keep - 1]] == 0) --keep;  // rounding left the draw at the very end
  return order[keep - 1];
}

}  // namespace

int32_t sample_token(int64_t n, const float* logits, const SamplerOptions& o, uint64_t sequence, int64_t position) {
  if (o.temperature == 0) return int32_t(largest_entry(n, logits));
  ArenaScope scope(thread_arena());
  float* weights = thread_arena().take<float>(n);
  float* sums = thread_arena().take<float>(draw_chunks(n));
  const double sum = draw_weights(n, logits, float(o.temperature), weights, sums);
  if (!(sum > 0)) return int32_t(largest_entry(n, logits));  // NaN, or all banned
  constexpr uint64_t kSamplerStream = 0x73616d706c657200;  // keeps the sampler's numbers apart from other users of a seed
  const double u = Rng(o.seed, kSamplerStream + sequence, uint64_t(position)).uniform();
  const bool plain = o.top_p >= 1 && o.min_p <= 0 && (o.top_k == 0 || o.top_k >= n);
  return plain ? int32_t(draw_at(n, weights, sums, u * sum)) : draw_filtered(n, logits, weights, sum, o, u);
}

}  // namespace minke
