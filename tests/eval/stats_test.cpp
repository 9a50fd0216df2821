// Every number here is worked by hand or by the definition it stands for.
#include "eval/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace minke {
namespace {

using Votes = std::vector<std::string>;
using Right = std::vector<uint8_t>;

TEST(Stats, PassAtK) {
  EXPECT_DOUBLE_EQ(pass_at_k(4, 1, 1), 0.25);
  EXPECT_DOUBLE_EQ(pass_at_k(4, 1, 2), 0.5);             // 3 of the 6 pairs hold it
  EXPECT_NEAR(pass_at_k(8, 3, 3), 1 - 10.0 / 56, 1e-15);  // C(5,3) / C(8,3)
  EXPECT_NEAR(pass_at_k(16, 6, 4), 1 - 210.0 / 1820, 1e-15);
  EXPECT_DOUBLE_EQ(pass_at_k(16, 0, 16), 0);
  EXPECT_DOUBLE_EQ(pass_at_k(16, 1, 16), 1);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 4, 2), 1);  // one wrong sample cannot fill a pair
}

TEST(Stats, PassAtKIsTheShareOfSubsets) {
  const int n = 9;
  for (int c = 0; c <= n; ++c)
    for (int k = 1; k <= n; ++k) {
      int subsets = 0, solved = 0;
      for (int set = 0; set < 1 << n; ++set) {
        if (__builtin_popcount(unsigned(set)) != k) continue;
        ++subsets;
        solved += (set & ((1 << c) - 1)) != 0;  // the first c samples are right
      }
      EXPECT_NEAR(pass_at_k(n, c, k), double(solved) / subsets, 1e-14) << c << " of 9, k " << k;
    }
}

TEST(Stats, MajorityTiesAndAbstentions) {
  EXPECT_EQ(majority(Votes{"7", "3", "3"}), 1);
  EXPECT_EQ(majority(Votes{"7", "3", "3", "7"}), 0) << "a tie goes to the earliest";
  EXPECT_EQ(majority(Votes{"", "5", "", ""}), 1) << "abstentions are no candidate";
  EXPECT_EQ(majority(Votes{"", ""}), -1);
  EXPECT_EQ(majority(Votes{}), -1);
}

TEST(Stats, ConsAtKOverBlocks) {
  const Right right = {1, 0, 0, 1, 0, 1, 1};
  const Votes votes = {"a", "b", "b", "a", "", "a", "a"};
  EXPECT_DOUBLE_EQ(cons_at_k(right, votes, 1), 4.0 / 7) << "pass@1, an abstention wrong";
  EXPECT_DOUBLE_EQ(cons_at_k(right, votes, 2), 2.0 / 3);  // ab: a, earliest. ba: b, wrong. ?a: a. The seventh is no whole block
  EXPECT_DOUBLE_EQ(cons_at_k(right, votes, 3), 0.5);      // abb: wrong. a?a: right
  EXPECT_DOUBLE_EQ(cons_at_k(right, votes, 7), 1);        // 4 against 2
  EXPECT_DOUBLE_EQ(cons_at_k(Right{0, 0}, Votes{"", ""}, 2), 0);
}

TEST(Stats, Wilson) {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const struct { double right, n, low, high; } known[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (const auto& k : known) {
    EXPECT_NEAR(wilson(k.right, k.n).low, k.low, 5e-5);
    EXPECT_NEAR(wilson(k.right, k.n).high, k.high, 5e-5);
  }
}

TEST(Stats, MeanIntervalFollowsTheVariance) {
  // One sample a problem: s^2 = p(1-p) N/(N-1), so Wilson's at N - 1.
  std::vector<double> ones(100, 0.0);
  std::fill_n(ones.begin(), 30, 1.0);
  const Interval one = mean_interval(ones, 1), at99 = wilson(0.3 * 99, 99);
  EXPECT_NEAR(one.low, at99.low, 1e-12);
  EXPECT_NEAR(one.high, at99.high, 1e-12);
  // Sixteen samples that all agree say no more than one.
  EXPECT_NEAR(mean_interval(ones, 16).low, one.low, 1e-12);
  // Problems all alike: 100 x 16 answers.
  const std::vector<double> alike(100, 0.25);
  const Interval all = mean_interval(alike, 16), at1600 = wilson(400, 1600);
  EXPECT_NEAR(all.low, at1600.low, 1e-12);
  EXPECT_NEAR(all.high, at1600.high, 1e-12);
  // Never a point, even where nothing was solved.
  EXPECT_EQ(mean_interval(std::vector<double>(20, 0.0), 16).low, 0);
  EXPECT_NEAR(mean_interval(std::vector<double>(20, 0.0), 16).high, 0.1611, 5e-5);
  EXPECT_GT(mean_interval(std::vector<double>{0.5}, 4).high, 0.6) << "one problem";
}

// 95% intervals hold the truth about 95 times in 100: problems of very unequal difficulty, four samples each.
TEST(Stats, MeanIntervalCovers) {
  int inside = 0;
  const int trials = 1000;
  for (int t = 0; t < trials; ++t) {
    Rng rng(5, uint64_t(t));
    std::vector<double> problems;
    for (int i = 0; i < 60; ++i) {
      const double p = rng.uniform() < 0.5 ? 0.05 : 0.65;  // mean 0.35
      int right = 0;
      for (int s = 0; s < 4; ++s) right += rng.uniform() < p;
      problems.push_back(right / 4.0);
    }
    const Interval ci = mean_interval(problems, 4);
    inside += ci.low <= 0.35 && 0.35 <= ci.high;
  }
  EXPECT_GE(inside, 925);
  EXPECT_LE(inside, 975);
}

TEST(Stats, PairedBootstrap) {
  // Equal differences leave nothing to chance.
  const std::vector<double> a = {0.5, 0.75, 1}, b = {0.25, 0.5, 0.75};
  const Difference sure = paired_bootstrap(a, b, 1);
  EXPECT_DOUBLE_EQ(sure.mean, 0.25);
  EXPECT_DOUBLE_EQ(sure.ci95.low, 0.25);
  EXPECT_DOUBLE_EQ(sure.ci95.high, 0.25);
  EXPECT_DOUBLE_EQ(sure.p, 2.0 / 10001);
  EXPECT_DOUBLE_EQ(paired_bootstrap(a, a, 1).p, 1);

  // 400 pairs, +1 in 120 and -1 in 80 of them: mean 0.1, standard error sqrt((0.5 - 0.01) / 400) = 0.035.
  std::vector<double> x(400, 0.0), y(400, 0.0);
  std::fill_n(x.begin(), 120, 1.0);
  std::fill_n(y.begin() + 120, 80, 1.0);
  const Difference d = paired_bootstrap(x, y, 7);
  EXPECT_NEAR(d.mean, 0.1, 1e-12);
  EXPECT_NEAR(d.ci95.low, 0.1 - 1.96 * 0.035, 0.004);
  EXPECT_NEAR(d.ci95.high, 0.1 + 1.96 * 0.035, 0.004);
  EXPECT_NEAR(d.p, 0.0043, 0.003);  // 2 (1 - Phi(0.1 / 0.035))
  EXPECT_NEAR(paired_bootstrap(y, x, 7).p, d.p, 1e-12) << "two-sided";
  EXPECT_EQ(paired_bootstrap(x, y, 7).ci95.low, d.ci95.low) << "same seed, same draws";
  EXPECT_NE(paired_bootstrap(x, y, 8).ci95.low + paired_bootstrap(x, y, 8).p, d.ci95.low + d.p);
}

TEST(Stats, Holm) {
  const std::vector<double> p = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const double expected[] = {0.03, 0.06, 0.06, 0.02};  // 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 lifted to 0.06
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(p[i], expected[i], 1e-15);
  EXPECT_EQ(holm(std::vector<double>{0.7, 0.9}), (std::vector<double>{1, 1}));
  EXPECT_TRUE(holm({}).empty());
}

}  // namespace
}  // namespace minke
