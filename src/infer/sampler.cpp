#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace minke {

void SamplerOptions::validate() const {
  if (!(temperature >= 0 && temperature <= 100)) usage_fail("--temperature {}: expected 0 (greedy) to 100", temperature);
  if (!(top_p > 0 && top_p <= 1)) usage_fail("--top-p {}: expected more than 0 and at most 1", top_p);
  if (top_k < 0) usage_fail("--top-k {}: expected 0 (all) or more", top_k);
  if (!(min_p >= 0 && min_p <= 1)) usage_fail("--min-p {}: expected 0 to 1", min_p);
}

int32_t sample_token(int64_t n, const float* logits, const SamplerOptions& o, uint64_t sequence, int64_t position) {
  if (o.temperature == 0) return int32_t(std::max_element(logits, logits + n) - logits);

  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const auto likelier = [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  int64_t keep = o.top_k > 0 ? std::min(o.top_k, n) : n;
  int64_t sorted = keep < n ? keep : 0;  // this many stand in front, the likeliest first; the others in no order
  if (sorted > 0) std::partial_sort(order.begin(), order.begin() + sorted, order.end(), likelier);

  const double top = double(*std::max_element(logits, logits + n));
  const auto weight = [&](int32_t id) { return std::exp((double(logits[id]) - top) / o.temperature); };
  std::vector<double> p(static_cast<size_t>(keep));
  double sum = 0;
  for (int64_t i = 0; i < keep; ++i) sum += p[size_t(i)] = weight(order[size_t(i)]);
  if (o.top_p < 1) {
    // Only as many as are kept, a few of a vocabulary, are worth sorting.
    double reached = 0;
    int64_t i = 0;
    while (i < keep && reached < o.top_p * sum) {
      if (i == sorted) {
        sorted = std::min(keep, std::max<int64_t>(32, 4 * sorted));
        std::partial_sort(order.begin() + i, order.begin() + sorted, order.end(), likelier);
        for (int64_t j = i; j < sorted; ++j) p[size_t(j)] = weight(order[size_t(j)]);
      }
      reached += p[size_t(i++)];
    }
    keep = std::max<int64_t>(i, 1);
    sum = reached;
  }
  if (o.min_p > 0) {
    // The likeliest token has weight 1 before normalisation.
    sum = 0;
    for (int64_t i = 0; i < keep; ++i) sum += p[size_t(i)] = p[size_t(i)] < o.min_p ? 0 : p[size_t(i)];
  }
  constexpr uint64_t kSamplerStream = 0x73616d706c657200;  // keeps the sampler's numbers apart from other users of a seed
  double u = Rng(o.seed, kSamplerStream + sequence, uint64_t(position)).uniform() * sum;
  for (int64_t i = 0; i < keep; ++i) {
    u -= p[size_t(i)];
    if (u < 0) return order[size_t(i)];
  }
  for (int64_t i = keep; i-- > 0;)  // rounding left u at the very end
    if (p[size_t(i)] > 0) return order[size_t(i)];
  return order[0];
}

}  // namespace minke
