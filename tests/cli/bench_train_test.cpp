// minke bench train: the names that scripts read, and rows that add up to the steps.
#include <nlohmann/json.hpp>

#include "cli/binary.h"

namespace minke {
namespace {

using BenchTrain = BinaryTest;

TEST_F(BenchTrain, RowsAddUpToTheSteps) {
  const Outcome o = minke({"bench", "train", "configs/nano.toml", "--steps", "3", "--json"});
  ASSERT_EQ(o.code, 0) << o.err;
  const auto j = nlohmann::json::parse(o.out);
  EXPECT_GT(j["tok_s"].get<double>(), 0);
  EXPECT_GT(j["peak_share"].get<double>(), 0);
  EXPECT_LT(j["peak_share"].get<double>(), 1);
  ASSERT_EQ(j["step_seconds"].size(), 3u);
  double steps = 0, rows = 0, shares = 0;
  for (const auto& s : j["step_seconds"]) steps += s.get<double>();
  std::map<std::string, int> seen;
  for (const auto& r : j["rows"]) {
    rows += 3 * r["seconds"].get<double>();
    shares += r["of_step"].get<double>();
    ++seen[r["name"]];
    if (r.contains("share")) EXPECT_TRUE(r["of"] == "peak_gflops" || r["of"] == "read_gb_s") << r;
  }
  EXPECT_NEAR(rows, steps, 1e-6 * steps);
  EXPECT_NEAR(shares, 1, 1e-6);
  for (const char* name : {"linear forward", "linear dgrad", "linear wgrad", "experts forward", "experts dgrad", "experts wgrad", "attention forward",
                           "attention backward", "adamw", "round and pack", "cross entropy", "wait for data", "outside of kernels"})
    EXPECT_GE(seen[name], 1) << name;
}

TEST_F(BenchTrain, NeedsAConfig) {
  const Outcome none = minke({"bench", "train"}), stray = minke({"bench", "gemm", "configs/nano.toml"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("CONFIG"), std::string::npos) << none.err;
  EXPECT_EQ(stray.code, 2);
}

}  // namespace
}  // namespace minke
