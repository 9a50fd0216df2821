#include "cli/in_process.h"

namespace minke {
namespace {

class ReportCommand : public InProcess {
 protected:
  ReportCommand() : InProcess("report", {"base", "rl"}) {}
};

TEST_F(ReportCommand, WritesOnePageOfAllRuns) {
  write_file_atomic(at("base/metrics.jsonl"), "{\"step\":1,\"tokens\":10,\"loss\":5,\"seconds\":36,\"threads\":1}\n{\"step\":2,\"tok");
  write_file_atomic(at("rl/metrics.jsonl"), read_file("tests/data/report/rl_metrics.jsonl"));
  EXPECT_EQ(run({at("base/"), at("rl"), "--out", at("r.html"), "--title", "A & B", "--price", "10"}), 0) << err_;
  EXPECT_EQ(out_.find(at("r.html") + ": 2 runs, "), 0u) << out_;
  const std::string page = read_file(at("r.html"));
  for (const std::string& part : {std::string("<h1>A &amp; B</h1>"), "<h2>Training: " + at("base") + "</h2>", "<h2>RL: " + at("rl") + "</h2>", std::string("≥ $0.1000")})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(ReportCommand, AFileIsADialsCurve) {
  write_file_atomic(at("dial.jsonl"), "{\"effort\":\"off\",\"price\":null,\"n\":50,\"accuracy\":0.2,\"tokens\":20}\n");
  EXPECT_EQ(run({at("dial.jsonl"), "--out", at("r.html")}), 0) << err_;
  EXPECT_NE(read_file(at("r.html")).find("The dial: " + at("dial.jsonl")), std::string::npos);
  write_file_atomic(at("dial.jsonl"), "{\"effort\":\"off\"}\n");
  EXPECT_EQ(run({at("dial.jsonl"), "--out", at("r.html")}), 1);
  EXPECT_NE(err_.find("dial.jsonl:1: tokens"), std::string::npos) << err_;
}

TEST_F(ReportCommand, FailsClearlyAndKeepsTheOldPage) {
  write_file_atomic(at("r.html"), "old");
  write_file_atomic(at("base/metrics.jsonl"), "{\"step\":1,\"tokens\":10,\"loss\":5}\n");
  EXPECT_EQ(run({at("base"), at("nowhere"), "--out", at("r.html")}), 1);
  EXPECT_NE(err_.find(at("nowhere") + ": expected a run's folder"), std::string::npos) << err_;
  EXPECT_EQ(run({at("base"), at("rl"), "--out", at("r.html")}), 1);
  EXPECT_NE(err_.find("rl/metrics.jsonl: no such file"), std::string::npos) << err_;
  write_file_atomic(at("rl/metrics.jsonl"), "{\"step\":1,\"reward/mean\":1}\noops\n");
  EXPECT_EQ(run({at("base"), at("rl"), "--out", at("r.html")}), 1);
  EXPECT_NE(err_.find("rl/metrics.jsonl:2: "), std::string::npos) << err_;
  EXPECT_EQ(read_file(at("r.html")), "old");
  EXPECT_EQ(run({at("base"), "--price", "-1"}), 2);
  EXPECT_EQ(run({}), 2);
}

}  // namespace
}  // namespace minke
