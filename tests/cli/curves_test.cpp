#include "cli/in_process.h"

namespace minke {
namespace {

class CurvesCommand : public InProcess {
 protected:
  CurvesCommand() : InProcess("curves", {"run"}) {}
};

TEST_F(CurvesCommand, WritesWhereItIsTold) {
  write_file_atomic(at("run/metrics.jsonl"),
                    "{\"step\":1,\"tokens\":10,\"loss\":5}\n{\"step\":2,\"tokens\":20,\"loss\":4}\n");
  EXPECT_EQ(run({at("run/")}), 0) << err_;
  EXPECT_EQ(out_, at("run/curves.svg") + ": 2 steps\n");
  EXPECT_NE(read_file(at("run/curves.svg")).find(">Training run run<"), std::string::npos);
  EXPECT_EQ(run({at("run"), "--out", at("mine.svg"), "--title", "A & B"}), 0) << err_;
  EXPECT_NE(read_file(at("mine.svg")).find(">A &amp; B<"), std::string::npos);
}

TEST_F(CurvesCommand, KnowsWhatKindOfRunItIs) {
  write_file_atomic(at("run/metrics.jsonl"), "{\"step\":1,\"tokens\":10,\"loss\":5,\"examples\":3}\n");
  EXPECT_EQ(run({at("run")}), 0) << err_;
  EXPECT_NE(read_file(at("run/curves.svg")).find(">Fine-tuning run run<"), std::string::npos);
  write_file_atomic(at("run/metrics.jsonl"), read_file("tests/data/report/rl_metrics.jsonl"));
  EXPECT_EQ(run({at("run")}), 0) << err_;
  EXPECT_EQ(out_, at("run/curves.svg") + ": 24 steps\n");
  EXPECT_NE(read_file(at("run/curves.svg")).find(">RL run run<"), std::string::npos);
}

TEST_F(CurvesCommand, FailsClearlyAndKeepsTheOldPicture) {
  EXPECT_EQ(run({at("nowhere")}), 1);
  EXPECT_NE(err_.find(at("nowhere") + ": expected a run's folder"), std::string::npos) << err_;
  EXPECT_EQ(run({at("run")}), 1);
  EXPECT_NE(err_.find("metrics.jsonl: no such file"), std::string::npos) << err_;
  write_file_atomic(at("run/metrics.jsonl"), "");
  EXPECT_EQ(run({at("run")}), 1);
  EXPECT_NE(err_.find("expected at least one whole line"), std::string::npos) << err_;
  write_file_atomic(at("run/curves.svg"), "old");
  write_file_atomic(at("run/metrics.jsonl"), "{\"step\":1,\"tokens\":10,\"loss\":5}\noops\n");
  EXPECT_EQ(run({at("run")}), 1);
  EXPECT_NE(err_.find("metrics.jsonl:2: "), std::string::npos) << err_;
  EXPECT_EQ(read_file(at("run/curves.svg")), "old");
  EXPECT_EQ(run({}), 2);
}

}  // namespace
}  // namespace minke
