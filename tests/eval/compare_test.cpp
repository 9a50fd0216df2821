#include "eval/compare.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"

namespace minke {
namespace {

// Problems solved with probability p, wrong answers scattered, of `tokens` tokens each.
std::vector<SampleRow> rows(int problems, int samples, double p, int64_t tokens, uint64_t seed) {
  Rng rng(seed);
  std::vector<SampleRow> out;
  for (int i = 0; i < problems; ++i)
    for (int s = 0; s < samples; ++s) {
      SampleRow r;
      r.id = "p" + std::to_string(i);
      r.family = "f";
      r.sample = s;
      r.correct = rng.uniform() < p;
      r.outcome = r.correct ? Outcome::kRight : Outcome::kWrong;
      r.vote = r.correct ? "x" : std::to_string(rng.below(1000));
      r.total_tokens = tokens;
      out.push_back(r);
    }
  return out;
}

TEST(Compare, FindsWhatChanged) {
  const std::vector<SampleRow> before = rows(200, 4, 0.3, 20, 1), now = rows(200, 4, 0.5, 30, 2);
  int64_t problems = 0;
  const std::vector<Comparison> c = compare_rows(now, before, 1, &problems);
  EXPECT_EQ(problems, 200);
  ASSERT_EQ(c.size(), 4u);
  EXPECT_EQ(c[0].name, "pass@1");
  EXPECT_NEAR(c[0].difference.mean, 0.2, 0.08);
  EXPECT_GT(c[0].difference.ci95.low, 0.1);
  EXPECT_LT(c[0].holm, 0.01);
  EXPECT_EQ(c[1].name, "pass@4");
  EXPECT_NEAR(c[1].difference.mean, (1 - 0.0625) - (1 - 0.2401), 0.12);
  EXPECT_EQ(c[2].name, "cons@4");
  EXPECT_GT(c[2].difference.mean, 0.1);
  EXPECT_EQ(c[3].name, "tokens");
  EXPECT_DOUBLE_EQ(c[3].difference.mean, 10);
  for (const Comparison& x : c) EXPECT_GE(x.holm, x.difference.p);
}

TEST(Compare, PairsByProblemAndCommonSamples) {
  std::vector<SampleRow> now = rows(50, 8, 0.4, 10, 3), before = rows(30, 4, 0.4, 10, 3);
  before[0].outcome = Outcome::kUngradable;
  int64_t problems = 0;
  std::vector<Comparison> c = compare_rows(now, before, 1, &problems);
  EXPECT_EQ(problems, 29);
  EXPECT_EQ(c[1].name, "pass@4");
  // The same rows: no difference anywhere, and nothing significant.
  c = compare_rows(now, now, 1, &problems);
  for (const Comparison& x : c) {
    EXPECT_EQ(x.difference.mean, 0);
    EXPECT_EQ(x.holm, 1);
  }
  for (SampleRow& r : before) r.id += "-other";
  EXPECT_THROW(compare_rows(now, before, 1, &problems), Error);
}

TEST(Compare, ReadsRowsOfBothKinds) {
  const std::string path = (std::filesystem::temp_directory_path() / ("minke-compare-" + std::to_string(getpid()))).string();
  const std::vector<SampleRow> some = rows(2, 2, 0.5, 5, 4);
  std::string text = "{\"made_by\": {\"model\": \"x\"}}\n";
  for (const SampleRow& r : some) text += row_json(r, true) + "\n";
  write_file_atomic(path, text + "{\"pass1\": 0.5}\n");
  const std::vector<SampleRow> read = read_rows(path);
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(row_json(read[3], true), row_json(some[3], true));
  write_file_atomic(path, text + "{\"prompt\": \"x\"}\n");
  EXPECT_THROW(read_rows(path), Error);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace minke
