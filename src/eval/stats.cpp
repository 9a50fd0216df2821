#include "eval/stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "dial/votes.h"

namespace minke {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5% quantile of the normal distribution
constexpr uint64_t kBootstrapStream = 0x626f6f7473747270;  // keeps these draws apart from other users of a seed

// The value at `share` of the sorted draws, between neighbours linearly.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const size_t i = size_t(at), j = std::min(i + 1, sorted.size() - 1);
  return sorted[i] + (at - double(i)) * (sorted[j] - sorted[i]);
}

}  // namespace

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  MINKE_CHECK(1 <= k && k <= n && 0 <= c && c <= n);
  if (n - c < k) return 1;
  double none = 1;  // C(n - c, k) / C(n, k) as a product of k ratios
  for (int64_t i = 0; i < k; ++i) none *= double(n - c - i) / double(n - i);
  return 1 - none;
}

int64_t majority(std::span<const std::string> votes) {
  Votes all;
  for (const std::string& name : votes) all.add(name);
  return all.speaker();
}

double cons_at_k(std::span<const uint8_t> right, std::span<const std::string> votes, int64_t k) {
  MINKE_CHECK_EQ(right.size(), votes.size());
  MINKE_CHECK(1 <= k && k <= int64_t(votes.size()));
  const int64_t blocks = int64_t(votes.size()) / k;
  int64_t won = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t speaker = majority(votes.subspan(size_t(b * k), size_t(k)));
    won += speaker >= 0 && right[size_t(b * k + speaker)];
  }
  return double(won) / double(blocks);
}

Interval wilson(double right, double n) {
  MINKE_CHECK(n > 0);
  const double p = right / n, z2 = kZ * kZ;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(std::max(0.0, p * (1 - p) / n + z2 / (4 * n * n)));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Interval mean_interval(std::span<const double> problems, int64_t samples) {
  const double n = double(problems.size());
  MINKE_CHECK(n > 0);
  const double p = std::accumulate(problems.begin(), problems.end(), 0.0) / n;
  double squares = 0;
  for (const double x : problems) squares += (x - p) * (x - p);
  // All right or all wrong: nothing shows that samples of a problem differ, so a problem counts once.
  double effective = n;
  if (n > 1 && p > 0 && p < 1) {
    const double variance = squares / (n - 1) / n, most = n * double(samples);
    effective = p * (1 - p) < most * variance ? p * (1 - p) / variance : most;
  }
  return wilson(p * effective, effective);
}

Difference paired_bootstrap(std::span<const double> a, std::span<const double> b, uint64_t seed, int64_t draws) {
  MINKE_CHECK_EQ(a.size(), b.size());
  MINKE_CHECK(!a.empty() && draws > 0);
  const size_t n = a.size();
  std::vector<double> d(n), means(static_cast<size_t>(draws));
  for (size_t i = 0; i < n; ++i) d[i] = a[i] - b[i];
  int64_t below = 0, above = 0;
  for (int64_t draw = 0; draw < draws; ++draw) {
    Rng rng(seed, kBootstrapStream + uint64_t(draw));
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += d[rng.below(n)];
    means[size_t(draw)] = sum / double(n);
    below += sum <= 0;
    above += sum >= 0;
  }
  std::sort(means.begin(), means.end());
  Difference out;
  out.mean = std::accumulate(d.begin(), d.end(), 0.0) / double(n);
  out.ci95 = {percentile(means, 0.025), percentile(means, 0.975)};
  out.p = std::min(1.0, 2 * double(std::min(below, above) + 1) / double(draws + 1));
  return out;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return p[i] < p[j]; });
  std::vector<double> out(p.size());
  double floor = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    floor = std::max(floor, std::min(1.0, p[order[i]] * double(p.size() - i)));
    out[order[i]] = floor;
  }
  return out;
}

}  // namespace minke
