// Words and numbers to budgets, and the file that says what they are worth.
#include "dial/effort.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "dial/profile.h"

namespace minke {
namespace {

EffortProfile profile(int64_t full) {
  EffortProfile p;
  p.full_budget = full;
  return p;
}

EffortPlan plan(const char* text, int64_t full = 256) { return plan_effort(parse_effort(text), profile(full)); }

std::string error_of(const char* text) {
  try {
    parse_effort(text);
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

TEST(Effort, WordsSharesAndTokens) {
  struct Case {
    const char* text;
    int64_t cap;
    const char* applied;
  };
  for (const Case& c : {Case{"off", 0, "off"}, {"minimal", 4, "minimal"}, {"low", 16, "low"}, {"medium", 64, "medium"}, {"high", 256, "high"}, {"max", 256, "max"},
                        {"auto", 256, "auto"}, {"50%", 128, "128"}, {"0.5", 128, "128"}, {".25", 64, "64"}, {"1.0", 256, "256"}, {"100%", 256, "256"}, {"0.0", 0, "off"},
                        {"0%", 0, "off"}, {"0.001", 1, "1"}, {"12.5%", 32, "32"}, {"2", 2, "2"}, {"100", 100, "100"}, {"5000", 5000, "5000"}}) {
    const EffortPlan p = plan(c.text);
    EXPECT_EQ(p.cap, c.cap) << c.text;
    EXPECT_EQ(p.applied, c.applied) << c.text;
    EXPECT_EQ(p.asked, c.text);
    const bool many = p.asked == "max" || p.asked == "auto";
    EXPECT_EQ(p.samples, many ? 8 : 1) << c.text;
  }
  EXPECT_EQ(plan("minimal", 20).cap, 1);  // never nothing
  EXPECT_EQ(plan("low", 32768).cap, 2048);
}

TEST(Effort, WhatIsWrongIsSaid) {
  for (const char* text : {"", "much", "High", "-5", "+3", "1e2", "0x10", "5 tokens", " 5", "%", ".", "1.2.3", "nan", "inf", "--", "101%", "1.01", "2.0", "1000000001"})
    EXPECT_NE(error_of(text), "") << text;
  EXPECT_NE(error_of("0").find("off"), std::string::npos);
  EXPECT_NE(error_of("1").find("1.0"), std::string::npos);
  EXPECT_NE(error_of("much").find("minimal"), std::string::npos);
  EXPECT_NE(error_of("much").find("--effort much"), std::string::npos);
}

TEST(Effort, BudgetsFitExactly) {
  Rng rng(3, 1);
  for (int i = 0; i < 3000; ++i) {
    const int64_t cap = rng.below(4) ? int64_t(1 + rng.below(400)) : 0, asked = rng.below(2) ? 0 : int64_t(1 + rng.below(300)), room = int64_t(rng.below(700));
    const int64_t fixed = cap ? 2 : 1, least = cap ? 4 : 2;
    if (room < least) {
      EXPECT_THROW(fit_budget(cap, asked, room), Error);
      continue;
    }
    const EffortBudget b = fit_budget(cap, asked, room);
    const int64_t most = asked ? asked : std::max<int64_t>(64, cap / 8), reserve = std::min(most, std::max<int64_t>(64, cap / 8));
    EXPECT_LE(b.completion, room);
    EXPECT_EQ(b.completion, b.think + b.answer + fixed);
    EXPECT_LE(b.think, cap);
    EXPECT_GE(b.think, cap ? 1 : 0);
    EXPECT_GE(b.answer, 1);
    EXPECT_LE(b.answer, most);
    EXPECT_FALSE(b.think < cap && cap + fixed + reserve <= room) << "a thought gives way only to the reserve";
    EXPECT_TRUE(b.think <= 1 || b.answer >= reserve) << "the reserve is never spent on thinking";
  }
}

TEST(Effort, TagsAreTheNearestBudget) {
  for (const auto& [cap, tag] : {std::pair{0, "off"}, {1, "minimal"}, {4, "minimal"}, {7, "minimal"}, {8, "low"}, {16, "low"}, {31, "low"}, {32, "medium"}, {100, "medium"},
                                 {128, "high"}, {256, "high"}, {9999, "high"}})
    EXPECT_STREQ(effort_tag(cap, 256), tag) << cap;
}

TEST(EffortProfile, ReadsWhatItWrites) {
  EffortProfile p;
  p.full_budget = 777;
  p.tag = true;
  p.confident = 0.97;
  p.quorum = 0.5;
  const EffortProfile q = EffortProfile::from_json(p.json(), "x.json", 2048);
  EXPECT_EQ(q.full_budget, 777);
  EXPECT_TRUE(q.tag);
  EXPECT_EQ(q.confident, 0.97);
  EXPECT_EQ(q.quorum, 0.5);
  EffortProfile bare;
  bare.full_budget = p.full_budget;
  bare.tag = p.tag;
  EXPECT_EQ(p.uncalibrated().json(), bare.json());
  EXPECT_EQ(EffortProfile::from_json("{}", "x.json", 2048).full_budget, 992);
  EXPECT_FALSE(EffortProfile::from_json("{}", "x.json", 2048).tag);
  EXPECT_EQ(EffortProfile::for_positions(163840).full_budget, 32768);
  EXPECT_EQ(EffortProfile::for_positions(20).full_budget, 16);
  EXPECT_EQ(EffortProfile::load("no/such/folder", 256).full_budget, 96);
  for (const char* bad : {"[]", "{\"full_budget\": 0}", "{\"tag\": 1}", "{\"confident\": 2}", "{\"fullbudget\": 3}", "{"})
    EXPECT_THROW(EffortProfile::from_json(bad, "x.json", 2048), Error) << bad;
}

}  // namespace
}  // namespace minke
