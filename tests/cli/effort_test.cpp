// --effort in generate, eval and learn, with the real binary and a model that guesses with known probabilities.
#include <cmath>

#include "cli/task_files.h"

namespace minke {
namespace {

class EffortTest : public TaskCommandTest {
 protected:
  void SetUp() override {
    TaskCommandTest::SetUp();
    write("model/minke_effort.json", "{\"full_budget\": 8}");
  }
  Outcome generate(std::vector<std::string> more) const {
    more.insert(more.begin(), {"generate", at("model"), "-p", "1 + 3?", "--json", "-t", "1", "--top-p", "1"});
    return minke(more);
  }
  Outcome eval(std::vector<std::string> more) const {
    more.insert(more.begin(), {"eval", at("model"), "--task", "expressions-b3", "--temperature", "1", "--top-p", "1", "--json"});
    return minke(more);
  }
};

TEST_F(EffortTest, GenerateTellsWhatWasSpent) {
  const struct {
    const char *effort, *applied;
    int cap;
  } cases[] = {{"off", "off", 0}, {"minimal", "minimal", 1}, {"medium", "medium", 2}, {"50%", "4", 4}, {"high", "high", 8}, {"6", "6", 6}, {"max", "max", 8}, {"auto", "auto", 8}};
  for (const auto& c : cases) {
    const Outcome o = generate({"--effort", c.effort, "--samples", "3"});
    ASSERT_EQ(o.code, 0) << o.err;
    const std::vector<Json> lines = parsed(o.out);
    ASSERT_EQ(lines.size(), 3u);
    for (const Json& line : lines) {
      const Json& e = line["effort"];
      EXPECT_EQ(e.size(), 7u);
      EXPECT_EQ(e["asked"], c.effort);
      EXPECT_EQ(e["applied"], c.applied);
      EXPECT_EQ(e["cap"], c.cap);
      EXPECT_LE(e["thinking"], c.cap);
      EXPECT_EQ(e["thinking"], line["thinking"].get<std::string>().size()) << "sevens, a token each";
      const bool many = e["asked"] == "max" || e["asked"] == "auto";
      EXPECT_EQ(e["samples"] >= 4, many);
      EXPECT_EQ(e["discarded"] > 0, many);
      EXPECT_EQ(line["finish_reason"], "stop");
      EXPECT_TRUE(line["answer"].get<std::string>().starts_with("\\boxed{")) << line;
      EXPECT_EQ(line["text"], line["thinking"].get<std::string>() + "</think>" + line["answer"].get<std::string>());
    }
  }
  EXPECT_EQ(generate({"--effort", "max"}).out, generate({"--effort", "max"}).out);
  EXPECT_EQ(parsed(generate({"--effort", "high", "-n", "1"}).out)[0]["finish_reason"], "length") << "-n is the answer's";
  EXPECT_EQ(parsed(generate({"--effort", "high", "--stop", "{"}).out)[0]["answer"], "\\boxed");
  EXPECT_EQ(minke({"generate", at("model"), "-p", "1 + 3?", "--effort", "off"}).out.substr(0, 7), "\\boxed{");
}

TEST_F(EffortTest, EvalRowsGainTheObject) {
  const Outcome kept = eval({"--n", "12", "--samples", "2", "--effort", "max", "--rows", at("rows.jsonl")});
  ASSERT_EQ(kept.code, 0) << kept.err;
  const std::vector<Json> lines = parsed(kept.out);
  ASSERT_EQ(lines.size(), 25u);
  for (size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(lines[i]["effort"]["asked"], "max");
    EXPECT_GE(lines[i]["effort"]["samples"], 4);
    EXPECT_GT(lines[i]["total_tokens"].get<int>(), lines[i]["effort"]["discarded"].get<int>());
    EXPECT_EQ(lines[i]["think_tokens"], lines[i]["effort"]["thinking"]);
  }
  EXPECT_EQ(eval({"--n", "12", "--samples", "2", "--effort", "max", "--rows", at("rows.jsonl")}).out, kept.out) << "from the rows";
  EXPECT_EQ(lines_in("rows.jsonl"), 25u);
  EXPECT_EQ(eval({"--n", "12", "--samples", "2", "--effort", "high", "--rows", at("rows.jsonl")}).code, 1) << "another effort";
  EXPECT_EQ(eval({"--n", "12", "--samples", "2", "--rows", at("rows.jsonl")}).code, 1) << "no effort";
  for (const Json& row : parsed(eval({"--n", "6", "--effort", "off"}).out)) EXPECT_EQ(row.contains("effort"), row.contains("id"));
}

// A grader to whom 5 is right: with it as a checker max finds a 5 far more often than votes do, which prefer 4.
TEST_F(EffortTest, ACheckerEndsTheSamples) {
  const char* fives = "while read -r line; do case \"$line\" in *'\"answer\":\"5\"'*) echo '{\"equal\": true}';; *) echo '{\"equal\": false}';; esac; done";
  const auto right = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--n", "40", "--samples", "1", "--effort", "max", "--grader", fives});
    return parsed(eval(more).out).back()["pass1"].get<double>();
  };
  EXPECT_NEAR(right({}), 1 - std::pow(0.7, 8), 4 * std::sqrt(0.06 * 0.94 / 40));
  EXPECT_LT(right({"--no-checker"}), 0.45);
}

TEST_F(EffortTest, Refuses) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{"generate", at("model"), "-p", "x", "--effort", "much"}, "minimal, low, medium"},
      {{"generate", at("model"), "-p", "x", "--effort", "0"}, "write off"},
      {{"generate", at("model"), "-p", "x", "--effort", "1"}, "1.0"},
      {{"generate", at("model"), "-p", "x", "--effort", ""}, "expected"},
      {{"generate", at("model"), "-p", "x", "--effort", "high", "--special"}, "--special"},
      {{"eval", at("model"), "--task", "expressions-b3", "--effort", "high", "--cap", "3"}, "--cap"},
      {{"eval", at("model"), "--task", "expressions-b3", "--effort", "high", "--no-think"}, "--no-think"},
      {{"eval", at("model"), "--task", "expressions-b3", "--no-checker"}, "--effort"},
      {{"learn", "expressions-b3", "--model", at("model"), "--effort", "off", "--out", at("out")}, "minimal or more"},
      {{"learn", "expressions-b3", "--model", at("model"), "--effort", "high", "--think", "20", "--out", at("out")}, "--think"},
  };
  for (const auto& c : cases) {
    const Outcome o = minke(c.arguments);
    EXPECT_EQ(o.code, 2) << c.says << o.err;
    EXPECT_NE(o.err.find(c.says), std::string::npos) << o.err;
  }
  write("model/minke_effort.json", "{\"full_budget\": 0}");
  const Outcome o = generate({"--effort", "low"});
  EXPECT_EQ(o.code, 1);
  EXPECT_NE(o.err.find("minke_effort.json: full_budget"), std::string::npos) << o.err;
}

}  // namespace
}  // namespace minke
