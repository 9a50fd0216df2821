#pragma once
// What a set of graded samples says, and how sure one may be. Pure functions; random draws are counters of a seed.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace minke {

struct Interval {
  double low = 0, high = 0;
};

// pass@k of one problem, unbiased (Chen et al. 2021, eq. 1): the share of the k-subsets of its n samples that hold a right one,
// 1 - C(n - c, k) / C(n, k). 1 <= k <= n, 0 <= c <= n.
double pass_at_k(int64_t n, int64_t c, int64_t k);

// The sample that speaks for the majority: the first one of the name with most votes, of equal counts the name that came first.
// An empty name abstains; -1 when all do.
int64_t majority(std::span<const std::string> votes);

// cons@k of one problem: the share of its whole blocks of k samples (0 to k - 1, k to 2k - 1, ...) whose majority is right. A block in
// which all abstain is not. right[i] and votes[i] belong to sample i; 1 <= k <= samples.
double cons_at_k(std::span<const uint8_t> right, std::span<const std::string> votes, int64_t k);

// Wilson's 95% interval of a share: `right` of `n`, which need not be whole numbers. n > 0.
Interval wilson(double right, double n);

// 95% interval of a mean over problems, each given by the share of its `samples` that were right: Wilson's at the effective number of
// answers p (1 - p) / (s^2 / N), s^2 the variance between problems. With one sample a problem this is Wilson's at N - 1. Samples
// of a problem that all agree add nothing; between problems that are all alike they count in full (at most N x samples).
Interval mean_interval(std::span<const double> problems, int64_t samples);

struct Difference {
  double mean = 0;    // of a[i] - b[i]
  Interval ci95;      // percentiles of the resampled means
  double p = 1;       // two-sided: twice the rarer side of 0, the observed sample counted as a draw
};

// Bootstrap over pairs: problems are drawn with replacement `draws` times. a and b have equal sizes, at least 1.
Difference paired_bootstrap(std::span<const double> a, std::span<const double> b, uint64_t seed, int64_t draws = 10000);

// Holm's adjustment of m p-values, in their order: the i-th smallest times m - i + 1, never below a smaller one's, at most 1.
std::vector<double> holm(std::span<const double> p);

}  // namespace minke
