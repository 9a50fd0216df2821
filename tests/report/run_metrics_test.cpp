#include "report/run_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace minke {
namespace {

RunMetrics parse(std::string_view text) { return parse_run_metrics(text, "run/metrics.jsonl"); }

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(RunMetrics, ReadsColumns) {
  const RunMetrics run = parse(
      R"({"step":1,"tokens":100,"loss":8.25,"mtp_loss":[8.5],"max_vio":[1.5,2.5,0.5],"lr":1e-3,"tok_s":12,"skipped":0})"
      "\n"
      R"({"step":2,"tokens":200,"loss":7,"mtp_loss":[7.5],"bpb":{"prose":3.5,"problems":2.25},"max_vio":[1,2,null]})"
      "\r\n\n"
      R"({"step":3,"tokens":200,"loss":null,"mtp_loss":[null],"bpb":null,"max_vio":null,"skipped":1})"
      "\n");
  EXPECT_EQ(run.step, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(run.tokens, (std::vector<double>{100, 200, 200}));
  EXPECT_EQ(run.loss[0], 8.25);
  EXPECT_TRUE(std::isnan(run.loss[2]));
  EXPECT_TRUE(std::isnan(run.bpb_prose[0]));
  EXPECT_EQ(run.bpb_prose[1], 3.5);
  EXPECT_EQ(run.bpb_problems[1], 2.25);
  ASSERT_EQ(run.max_vio.size(), 3u);
  EXPECT_EQ(run.max_vio[1][1], 2);
  EXPECT_TRUE(std::isnan(run.max_vio[2][1]));
  EXPECT_TRUE(std::isnan(run.max_vio[0][2]));
  EXPECT_EQ(run.mtp_layers, 1u);
  EXPECT_EQ(run.skipped, 1);
  EXPECT_DOUBLE_EQ(run.seconds, 100.0 / 12) << "of the only step that says how fast it was";
  EXPECT_TRUE(std::isnan(run.threads));
}

TEST(RunMetrics, TimeIsWhatTheLastLineSays) {
  const RunMetrics run = parse(
      "{\"step\":1,\"tokens\":10,\"loss\":5,\"tok_s\":1,\"seconds\":12,\"threads\":4}\n{\"step\":2,\"tokens\":20,\"loss\":4,\"tok_s\":1,\"seconds\":29,\"threads\":2}\n"
      "{\"step\":2,\"tokens\":20,\"loss\":4,\"tok_s\":1,\"seconds\":25.5,\"threads\":2}\n");
  EXPECT_EQ(run.seconds, 25.5);
  EXPECT_EQ(run.threads, 2);
}

TEST(RunMetrics, ResumedRunReplacesItsSteps) {
  const RunMetrics run = parse(
      "{\"step\":1,\"tokens\":10,\"loss\":5,\"max_vio\":[1]}\n{\"step\":2,\"tokens\":20,\"loss\":4,\"max_vio\":[2]}\n"
      "{\"step\":3,\"tokens\":30,\"loss\":3,\"max_vio\":[3]}\n{\"step\":2,\"tokens\":20,\"loss\":4.5,\"max_vio\":[4]}"
      "\n");
  EXPECT_EQ(run.step, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(run.loss, (std::vector<double>{5, 4.5}));
  EXPECT_EQ(run.max_vio[0], (std::vector<double>{1, 4}));
}

TEST(RunMetrics, LayersThatAppearLaterAreNanBefore) {
  const RunMetrics run =
      parse("{\"step\":1,\"tokens\":10,\"loss\":5}\n{\"step\":2,\"tokens\":20,\"loss\":4,\"max_vio\":[2,3]}\n");
  ASSERT_EQ(run.max_vio.size(), 2u);
  EXPECT_TRUE(std::isnan(run.max_vio[1][0]));
  EXPECT_EQ(run.max_vio[1][1], 3);
}

TEST(RunMetrics, LineInProgressIsLeftOut) {
  EXPECT_EQ(parse("{\"step\":1,\"tokens\":10,\"loss\":5}\n{\"step\":2,\"tok").rows(), 1u);
  EXPECT_EQ(parse("{\"step\":1,\"tokens\":10,\"loss\":5}").rows(), 1u);  // whole, only its line end is missing
}

TEST(RunMetrics, ErrorsNameFileLineAndExpectation) {
  const std::string good = "{\"step\":1,\"tokens\":10,\"loss\":5,\"max_vio\":[1,2]}\n";
  const struct {
    std::string text;
    std::vector<std::string> parts;
  } kCases[] = {
      {"", {"run/metrics.jsonl: ", "expected at least one whole line", "0 bytes"}},
      {"\n \n", {"expected at least one whole line"}},
      {"{\"step\":1,\"tok", {"expected at least one whole line"}},
      {good + "\nstep 2\n", {"run/metrics.jsonl:3: ", "expected one JSON object a line", "step 2"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":NaN}\n", {"run/metrics.jsonl:2: "}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":\x1b[31m}\n", {"run/metrics.jsonl:2: ", "?[31m"}},
      {good + "[1,2]\n", {"run/metrics.jsonl:2: ", "expected an object"}},
      {good + "{\"tokens\":20,\"loss\":1}\n", {"run/metrics.jsonl:2: step is missing"}},
      {good + "{\"step\":2,\"tokens\":20}\n", {"run/metrics.jsonl:2: loss is missing"}},
      {good + "{\"step\":2,\"tokens\":-1,\"loss\":1}\n", {"run/metrics.jsonl:2: tokens", "-1"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":\"low\"}\n", {"run/metrics.jsonl:2: loss", "low"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":1e300}\n", {"run/metrics.jsonl:2: loss", "1e+300"}},
      {good + "{\"step\":2,\"tokens\":9,\"loss\":1}\n", {"run/metrics.jsonl:2: tokens", "at least 10", "found 9"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":1,\"max_vio\":[1]}\n",
       {"run/metrics.jsonl:2: max_vio", "expected 2", "found 1"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":1,\"max_vio\":[1,\"x\"]}\n",
       {"run/metrics.jsonl:2: max_vio", "\"x\""}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":1,\"max_vio\":7}\n", {"run/metrics.jsonl:2: max_vio", "array"}},
      {good + "{\"step\":2,\"tokens\":20,\"loss\":1,\"bpb\":3}\n", {"run/metrics.jsonl:2: ", "bpb"}},
      {good + "{\"step\":2,\"step\":3,\"tokens\":20,\"loss\":1}\n", {"run/metrics.jsonl:2: ", "twice"}},
  };
  for (const auto& c : kCases) {
    const std::string error = error_of(c.text);
    for (const std::string& part : c.parts) EXPECT_NE(error.find(part), std::string::npos) << c.text << "\n" << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace minke
