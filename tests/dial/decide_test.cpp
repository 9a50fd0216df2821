// When samples are enough, and who speaks.
#include "dial/decide.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "dial/votes.h"

namespace minke {
namespace {

EffortPlan max_plan() { return plan_effort(parse_effort("max"), {}); }

std::vector<SampleView> views(std::initializer_list<const char*> votes) {
  std::vector<SampleView> out;
  for (const char* v : votes) out.push_back({256, v, false, 0.5});
  return out;
}

TEST(Votes, LeaderAndRunnerUp) {
  Votes v;
  EXPECT_EQ(v.speaker(), -1);
  for (const char* name : {"", "b", "a", "a", "", "b", "c"}) v.add(name);
  EXPECT_EQ(v.speaker(), 1) << "a tie goes to the name that came first";
  EXPECT_EQ(v.leading(), 2);
  EXPECT_EQ(v.runner_up(), 2);
  v.add("a");
  EXPECT_EQ(v.speaker(), 2);
  EXPECT_EQ(v.leading(), 3);
}

// Against the integral of the beta density, summed.
TEST(Votes, PosteriorIsTheBetaTail) {
  for (int64_t a = 0; a < 9; ++a)
    for (int64_t b = 0; b <= a; ++b) {
      double above = 0, all = 0;
      constexpr int kSteps = 20000;
      for (int i = 0; i < kSteps; ++i) {
        const double p = (i + 0.5) / kSteps, density = std::pow(p, double(a)) * std::pow(1 - p, double(b));
        all += density;
        if (p > 0.5) above += density;
      }
      EXPECT_NEAR(stays_leader(a, b), above / all, 1e-4) << a << " " << b;
    }
  EXPECT_EQ(votes_to_settle(0, 0), 4);
  EXPECT_EQ(votes_to_settle(3, 0), 1);
  EXPECT_EQ(votes_to_settle(4, 0), 0);
  EXPECT_GT(votes_to_settle(4, 1), 0);
}

TEST(Decide, OneSampleIsOne) {
  const EffortPlan plan = plan_effort(parse_effort("low"), {});
  const Decision first = decide(plan, {}, false, {});
  EXPECT_EQ(first.samples, 1);
  EXPECT_EQ(first.cap, 16);
  const Decision second = decide(plan, {}, false, views({"x"}));
  EXPECT_EQ(second.samples, 0);
  EXPECT_FALSE(second.exit.has_value());
}

TEST(Decide, AgreementCeilingConfidenceAndChecker) {
  const EffortPlan plan = max_plan();
  EXPECT_EQ(decide(plan, {}, false, {}).samples, 4) << "fewer cannot settle it";
  EXPECT_EQ(*decide(plan, {}, false, views({"a", "a", "a", "a"})).exit, EffortExit::kAgreed);
  EXPECT_EQ(decide(plan, {}, false, views({"a", "a", "b", "a"})).samples, votes_to_settle(3, 1));
  const Decision ceiling = decide(plan, {}, false, views({"a", "b", "b", "a", "c", "d", "b", ""}));
  EXPECT_EQ(*ceiling.exit, EffortExit::kCeiling);
  EXPECT_EQ(ceiling.given, 1u);
  EXPECT_EQ(*decide(plan, {}, false, views({"", "", "", "", "", "", "", ""})).exit, EffortExit::kCeiling);

  EXPECT_FALSE(ceiling.abstains);

  EffortProfile majority;
  majority.quorum = 0.5;
  EXPECT_TRUE(decide(plan, majority, false, views({"a", "b", "b", "a", "c", "d", "b", ""})).abstains) << "three of eight";
  EXPECT_FALSE(decide(plan, majority, false, views({"a", "b", "b", "a", "c", "d", "b", "b"})).abstains);
  EXPECT_FALSE(decide(plan, majority, false, views({"", "", "", "", "", "", "", ""})).abstains) << "nothing to disown";
  EXPECT_FALSE(decide(plan, majority, false, views({"a", "a", "a", "a"})).abstains);
  EXPECT_TRUE(decide(plan, majority, true, views({"a", "a", "a", "a", "a", "a", "a", "a"})).abstains) << "the checker was content with none";

  EffortProfile sure;
  sure.confident = 0.9;
  EXPECT_EQ(decide(plan, sure, false, {}).samples, 1) << "the first may be the last";
  std::vector<SampleView> one = views({"a"});
  EXPECT_GT(decide(plan, sure, false, one).samples, 1);
  one[0].confidence = 0.95;
  EXPECT_EQ(*decide(plan, sure, false, one).exit, EffortExit::kConfident);
  one[0].vote = "";
  EXPECT_GT(decide(plan, sure, false, one).samples, 0) << "a confident ? is no answer";

  EXPECT_EQ(decide(plan, {}, true, {}).samples, 1);
  EXPECT_EQ(decide(plan, {}, true, views({"a", "a", "a", "a", "a"})).samples, 1) << "agreement does not verify";
  std::vector<SampleView> seen = views({"a", "a", "b"});
  seen[2].verified = true;
  EXPECT_EQ(*decide(plan, {}, true, seen).exit, EffortExit::kVerified);
  EXPECT_EQ(decide(plan, {}, true, seen).given, 2u);
}

// Waves never ask for a sample that asking one by one would not have asked for, and end the same way.
TEST(Decide, WavesSpendWhatOneByOneSpends) {
  Rng rng(5, 2);
  for (int trial = 0; trial < 2000; ++trial) {
    EffortProfile profile;
    if (rng.below(2)) profile.confident = 0.8;
    const bool checker = rng.below(3) == 0;
    std::vector<SampleView> all;
    for (int i = 0; i < 8; ++i) {
      const uint64_t v = rng.below(4);
      all.push_back({256, v == 0 ? "" : std::string(1, char('a' + int(v * rng.below(2)))), checker && rng.below(6) == 0, rng.uniform()});
    }
    const EffortPlan plan = max_plan();
    const auto seen = [&](size_t n) { return std::span(all).first(n); };
    size_t waves = 0, single = 0;
    while (const int64_t more = decide(plan, profile, checker, seen(waves)).samples) waves += size_t(more);
    while (decide(plan, profile, checker, seen(single)).samples) ++single;
    ASSERT_EQ(waves, single);
    ASSERT_LE(waves, 8u);
  }
}

}  // namespace
}  // namespace minke
