// minke dial with the real binary, on a model that guesses with known probabilities: 4 is right to no problem of the families, so the
// problems are the test's own.
#include "cli/task_files.h"

namespace minke {
namespace {

class DialTest : public TaskCommandTest {
 protected:
  void SetUp() override {
    TaskCommandTest::SetUp();
    write("model/minke_effort.json", "{\"full_budget\": 64}");
    std::string text;
    for (int i = 0; i < 1000; ++i) text += Json{{"prompt", "What is " + std::to_string(i) + " less " + std::to_string(i - 4 - i % 2)}, {"answer", std::to_string(4 + i % 2)}}.dump() + "\n";
    write("p.jsonl", text);
  }
};

TEST_F(DialTest, CalibrateThenCurve) {
  const Outcome made = minke({"dial", "calibrate", at("model"), "--task", at("p.jsonl"), "--n", "50", "--temperature", "1", "--save", at("cal.jsonl"), "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Json j = Json::parse(made.out);
  EXPECT_EQ(j["problems"], 50);
  EXPECT_EQ(j["file"], at("model/minke_effort.json"));
  const std::string file = read_file(at("model/minke_effort.json"));
  EXPECT_EQ(Json::parse(file)["full_budget"], 64) << "what was there stays";
  EXPECT_EQ(Json::parse(file)["auto"]["arms"].size(), 5u);
  EXPECT_EQ(minke({"dial", "calibrate", at("model"), "--from", at("cal.jsonl"), "--json"}).out, made.out);
  EXPECT_EQ(read_file(at("model/minke_effort.json")), file) << "from the samples that were kept";

  const Outcome curve = minke({"dial", "curve", at("model"), "--task", at("p.jsonl"), "--n", "40", "--temperature", "1", "--json", "--settings", at("s.jsonl")});
  ASSERT_EQ(curve.code, 0) << curve.err;
  const std::vector<Json> lines = parsed(curve.out);
  ASSERT_GE(lines.size(), 8u);
  EXPECT_EQ(lines[0]["effort"], "off");
  EXPECT_EQ(lines[5]["effort"], "max");
  EXPECT_EQ(lines[6]["effort"], "auto");
  EXPECT_EQ(lines[6]["price"], j["price"]);
  for (const Json& line : lines) EXPECT_EQ(line["n"], 40);
  EXPECT_GT(lines_in("s.jsonl"), 60u);
  EXPECT_EQ(minke({"generate", at("model"), "-p", "x", "--effort", "auto", "--json"}).code, 0);
}

TEST_F(DialTest, Refuses) {
  const struct {
    std::vector<std::string> arguments;
    int code;
    const char* says;
  } cases[] = {
      {{"dial", "curve", at("model")}, 2, "--task"},
      {{"dial", "curve", at("model"), "--task", "nothing"}, 2, "nothing"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3:0"}, 2, "level"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3:4-2"}, 2, "level"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3:2-"}, 2, "level"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3:2-5", "--n", "3"}, 2, "4 levels"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3", "--temperature", "0"}, 2, "--temperature"},
      {{"dial", "curve", at("model"), "--task", "expressions-b3", "--split", "train"}, 2, "train"},
      {{"dial", "calibrate", at("model"), "--task", at("p.jsonl"), "--n", "5"}, 2, "at least 50"},
      {{"dial"}, 2, "subcommand"},
  };
  for (const auto& c : cases) {
    const Outcome o = minke(c.arguments);
    EXPECT_EQ(o.code, c.code) << c.says << o.err;
    EXPECT_NE(o.err.find(c.says), std::string::npos) << o.err;
  }
}

}  // namespace
}  // namespace minke
