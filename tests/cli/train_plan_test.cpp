// What minke train says before its first step, and at the end how far off that was; the bill.
#include <nlohmann/json.hpp>

#include "cli/binary.h"
#include "model/cost.h"

namespace minke {
namespace {

using Json = nlohmann::json;
using TrainPlan = BinaryTest;

TEST_F(TrainPlan, PredictionAndBillStandOnTheFirstAndLastLines) {
  Launch one_thread;
  one_thread.environment = {{"MINKE_THREADS", "1"}};  // a helper need not have met its largest task within 20 steps
  const Outcome o = minke({"train", "configs/nano.toml", "--out", at("out"), "--json"}, one_thread);
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_NE(o.err.find("plan     "), std::string::npos) << o.err;
  const Json end = Json::parse(o.out);
  const std::vector<Json> lines = lines_of(at("out/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 20u);
  for (const Json* j : {&lines.front(), &lines.back(), &end}) {
    EXPECT_GT((*j)["predicted_seconds"].get<double>(), 0);
    EXPECT_GT((*j)["seconds"].get<double>(), 0);
    const double peak = (*j)["peak_bytes"].get<double>();
    EXPECT_NEAR((*j)["predicted_peak_bytes"].get<double>(), peak, 0.03 * peak);
    EXPECT_EQ((*j)["predicted_seconds"], end["predicted_seconds"]);
  }
  EXPECT_FALSE(lines[1].contains("predicted_seconds"));
  EXPECT_LT(end["peak_bytes"].get<int64_t>(), end["peak_rss_bytes"].get<int64_t>());

  const ModelConfig config = ModelConfig::load("configs/nano.toml");
  const Json& bill = end["bill"];
  EXPECT_EQ(bill["tokens"], 5120);
  EXPECT_DOUBLE_EQ(bill["flop"].get<double>(), 5120 * train_flops_per_token(config, 64, true));
  EXPECT_NEAR(bill["hours"].get<double>() * 3600, end["seconds"].get<double>(), 1e-6);
  EXPECT_NEAR(bill["dollars"].get<double>(), bill["hours"].get<double>() * 0.02, 1e-12);  // a thread at the config's default price
  EXPECT_EQ(bill["dollars"], end["dollars"]);
  EXPECT_NEAR(bill["h800_dollars"].get<double>(), bill["flop"].get<double>() / 386e12 / 3600 * 2, 1e-15);
  EXPECT_LT(bill["peak_share"].get<double>(), 1);
}

TEST_F(TrainPlan, TheTrialLeavesNoTrace) {
  // A run that is stopped before its first checkpoint is timed again when it goes on, and ends with the bytes of one that was not.
  ASSERT_EQ(minke({"train", "configs/nano.toml", "--out", at("a")}).code, 0);
  Launch kill;
  kill.signal = SIGKILL;
  kill.when = [path = at("b/metrics.jsonl")] { return !lines_of(path).empty(); };
  EXPECT_EQ(minke({"train", "configs/nano.toml", "--out", at("b")}, kill).signal, SIGKILL);
  const Outcome rest = minke({"train", "configs/nano.toml", "--out", at("b")});
  ASSERT_EQ(rest.code, 0) << rest.err;
  for (const char* part : {"\nplan     ", "\nbill     ", "H800-hour"}) EXPECT_NE(rest.out.find(part), std::string::npos) << part << rest.out;
  EXPECT_EQ(read_file(at("a/model.safetensors")), read_file(at("b/model.safetensors")));
}

}  // namespace
}  // namespace minke
