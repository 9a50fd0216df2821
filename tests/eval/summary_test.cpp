#include "eval/summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace minke {
namespace {

SampleRow row(const std::string& id, int level, int64_t sample, Outcome outcome, const std::string& vote, int64_t tokens, Exit exit = Exit::kOwn) {
  SampleRow r;
  r.id = id;
  r.family = "f";
  r.level = level;
  r.sample = sample;
  r.outcome = outcome;
  r.correct = outcome == Outcome::kRight;
  r.answer = r.vote = vote;
  r.total_tokens = tokens;
  r.think_tokens = tokens / 2;
  r.exit = exit;
  return r;
}

// Three problems of four samples, worked by hand; the rows come in no order.
const std::vector<SampleRow> kRows = {
    row("a", 1, 3, Outcome::kWrong, "9", 40), row("a", 1, 0, Outcome::kRight, "4", 10), row("a", 1, 1, Outcome::kRight, "4", 20), row("a", 1, 2, Outcome::kWrong, "8", 30),
    row("b", 2, 0, Outcome::kAbstained, "", 10), row("b", 2, 1, Outcome::kWrong, "1", 10), row("b", 2, 2, Outcome::kRight, "2", 10, Exit::kCap),
    row("b", 2, 3, Outcome::kNoAnswer, "", 60, Exit::kLength),
    row("c", 2, 0, Outcome::kUngradable, "1", 1000), row("c", 2, 1, Outcome::kUngradable, "", 1000), row("c", 2, 2, Outcome::kUngradable, "", 1000),
    row("c", 2, 3, Outcome::kUngradable, "", 1000)};

TEST(Summary, ByHand) {
  const TaskSummary s = summarise(kRows);
  EXPECT_EQ(s.n, 2);
  EXPECT_EQ(s.ungradable, 1) << "left out, not counted wrong";
  EXPECT_EQ(s.samples, 4);
  EXPECT_DOUBLE_EQ(s.pass1, (0.5 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(s.pass_k.at(2), ((1 - 1.0 / 6) + 0.5) / 2);
  EXPECT_DOUBLE_EQ(s.pass_k.at(4), 1);
  EXPECT_DOUBLE_EQ(s.cons_k.at(1), s.pass1);
  EXPECT_DOUBLE_EQ(s.cons_k.at(2), (0.5 + 0.5) / 2);  // a: 4 4 | 8 9. b: ? 1 | 2 none
  EXPECT_DOUBLE_EQ(s.cons_k.at(4), (1.0 + 0.0) / 2);  // b: 1 and 2 tie, 1 came first
  EXPECT_EQ(s.pass_k.size(), 3u) << "1, 2, 4";
  EXPECT_DOUBLE_EQ(s.mean_tokens, 190.0 / 8);
  EXPECT_DOUBLE_EQ(s.mean_think_tokens, 95.0 / 8);
  EXPECT_DOUBLE_EQ(s.abstained, 1.0 / 8);
  EXPECT_DOUBLE_EQ(s.no_answer, 1.0 / 8);
  EXPECT_DOUBLE_EQ(s.capped, 1.0 / 8);
  EXPECT_DOUBLE_EQ(s.cut, 1.0 / 8);
}

TEST(Summary, JsonHasTheNamesThatScriptsRead) {
  const auto j = nlohmann::json::parse(summary_json(summarise(kRows), summarise_levels(kRows)));
  for (const char* key : {"pass1", "ci95", "pass_k", "cons_k", "n", "samples", "mean_tokens"}) EXPECT_TRUE(j.contains(key)) << key;
  EXPECT_EQ(j["ci95"].size(), 2u);
  EXPECT_DOUBLE_EQ(j["pass_k"]["4"], 1);
  ASSERT_EQ(j["levels"].size(), 2u);
  EXPECT_EQ(j["levels"][0]["level"], 1);
  EXPECT_DOUBLE_EQ(j["levels"][1]["pass1"], 0.25);
  EXPECT_EQ(j["levels"][1]["ungradable"], 1);
}

TEST(Summary, NothingScored) {
  EXPECT_EQ(summarise({}).n, 0);
  const std::vector<SampleRow> unreadable(kRows.begin() + 8, kRows.end());
  EXPECT_EQ(summarise(unreadable).n, 0);
  EXPECT_NE(summary_table(summarise(unreadable), summarise_levels(unreadable)).find("1 problems left out"), std::string::npos);
}

}  // namespace
}  // namespace minke
