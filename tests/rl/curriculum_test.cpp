#include "rl/curriculum.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/rng.h"

namespace minke {
namespace {

Curriculum three(double floor = 0.1) { return Curriculum({{"easy", 1}, {"middle", 1}, {"hard", 2}}, floor); }

TEST(Curriculum, WorthIsHighestWhereGroupsDiffer) {
  EXPECT_EQ(worth_of_level(0.2, 0.1), 1);
  EXPECT_EQ(worth_of_level(0.5, 0.1), 1);
  EXPECT_DOUBLE_EQ(worth_of_level(0.8, 0.1), 1);
  EXPECT_DOUBLE_EQ(worth_of_level(0.1, 0.1), 0.5);
  EXPECT_NEAR(worth_of_level(0.95, 0.1), 0.25, 1e-12);
  EXPECT_EQ(worth_of_level(0, 0.1), 0.1) << "no level dies";
  EXPECT_EQ(worth_of_level(1, 0.25), 0.25);
  EXPECT_EQ(worth_of_level(NAN, 0.1), 1) << "not asked yet";
}

TEST(Curriculum, SharesFollowThePassRates) {
  Curriculum c = three();
  EXPECT_EQ(c.shares(), (std::vector<double>{0.25, 0.25, 0.5}));  // the weights, as without a curriculum
  c.saw(0, 1), c.saw(1, 0.5), c.saw(2, 0.1);
  const std::vector<double> shares = c.shares();  // 0.1 : 1 : 2 x 0.5
  EXPECT_NEAR(shares[0], 0.1 / 2.1, 1e-12);
  EXPECT_NEAR(shares[1], 1 / 2.1, 1e-12);
  EXPECT_NEAR(shares[2], 1 / 2.1, 1e-12);
  // All out of reach: the weights again.
  for (int i = 0; i < 60; ++i)
    for (size_t l = 0; l < 3; ++l) c.saw(l, 0);
  EXPECT_NEAR(c.shares()[2], 0.5, 1e-12);

  // Draws come in these shares.
  Curriculum d = three();
  d.saw(0, 1), d.saw(1, 0.5), d.saw(2, 0.1);
  std::vector<int> drawn(3);
  for (uint64_t i = 0; i < 20000; ++i) ++drawn[d.pick(Rng(1, 2, i).uniform())];
  for (size_t l = 0; l < 3; ++l) EXPECT_NEAR(drawn[l] / 20000.0, d.shares()[l], 0.018);  // 5 standard deviations
  EXPECT_EQ(d.pick(0), 0u);
  EXPECT_EQ(d.pick(std::nextafter(1.0, 0.0)), 2u);
  Curriculum none({{"a", 1}, {"b", 0}}, 0.1);
  EXPECT_EQ(none.pick(std::nextafter(1.0, 0.0)), 0u) << "a task of weight 0 is not asked";
}

// The plain mean of the first ten groups, then each new one counts a tenth: old successes fade.
TEST(Curriculum, ThePassRateRuns) {
  Curriculum c = three();
  EXPECT_TRUE(std::isnan(c.pass_rate(0)));
  double sum = 0;
  for (int i = 0; i < 10; ++i) {
    c.saw(0, i / 16.0);
    sum += i / 16.0;
    EXPECT_NEAR(c.pass_rate(0), sum / (i + 1), 1e-12);
  }
  const double before = c.pass_rate(0);
  c.saw(0, 1);
  EXPECT_NEAR(c.pass_rate(0), before + 0.1 * (1 - before), 1e-12);
  EXPECT_TRUE(std::isnan(c.pass_rate(1)));
}

TEST(Curriculum, ComesBackToTheBit) {
  Curriculum c = three(), again = three();
  Rng rng(3, 4);
  for (int i = 0; i < 100; ++i) c.saw(rng.below(2), double(rng.below(17)) / 16 / 3);
  again.restore(c.state(), "state");
  EXPECT_EQ(again.state(), c.state());
  for (int i = 0; i < 20; ++i) {
    c.saw(size_t(i) % 3, i / 19.0);
    again.saw(size_t(i) % 3, i / 19.0);
  }
  for (size_t l = 0; l < 3; ++l) EXPECT_EQ(again.pass_rate(l), c.pass_rate(l));
  EXPECT_EQ(again.shares(), c.shares());

  const std::string state = c.state();
  EXPECT_THROW(Curriculum({{"easy", 1}, {"middle", 1}}, 0.1).restore(state, "x"), Error);
  EXPECT_THROW(Curriculum({{"easy", 1}, {"other", 1}, {"hard", 2}}, 0.1).restore(state, "x"), Error);
  EXPECT_THROW(again.restore("{", "x"), Error);
}

}  // namespace
}  // namespace minke
