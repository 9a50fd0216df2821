// `minke learn` with the binary: what it refuses, what it shows, and that a model which cannot answer is told so.
#include <nlohmann/json.hpp>

#include "cli/binary.h"

namespace minke {
namespace {

using Json = nlohmann::json;

class LearnTest : public BinaryTest {
 protected:
  void problems(const std::string& name, int n) const {
    std::string text;
    for (int i = 0; i < n; ++i) text += Json{{"prompt", "What is " + std::to_string(i) + " + 1?"}, {"answer", std::to_string(i + 1)}}.dump() + "\n";
    write(name, text);
  }
};

TEST_F(LearnTest, RefusesWhatItCannotStartFrom) {
  problems("p.jsonl", 20);
  const Outcome none = minke({"learn", at("p.jsonl"), "--model", at("nowhere"), "--out", at("out")});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("make run"), std::string::npos) << none.err;

  ASSERT_EQ(minke({"train", "configs/nano.toml", "--out", at("nano"), "--steps", "0"}).code, 0);
  const Outcome unknown = minke({"learn", "nothing", "--model", at("nano"), "--out", at("out")});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("countdown-a1"), std::string::npos) << unknown.err;

  write("bad.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\", \"answer\": \"1\"}\nx\n");
  const Outcome bad = minke({"learn", at("bad.jsonl"), "--model", at("nano"), "--out", at("out")});
  EXPECT_EQ(bad.code, 1);
  for (const char* part : {"bad.jsonl", "line 1", "line 3"}) EXPECT_NE(bad.err.find(part), std::string::npos) << bad.err;
  EXPECT_EQ(bad.err.find("line 2"), std::string::npos) << bad.err;
}

// Fresh weights never answer right: an evaluation is shown, then the run ends with what to do, and exit 1.
TEST_F(LearnTest, AModelThatCannotAnswerIsToldSo) {
  problems("p.jsonl", 40);
  ASSERT_EQ(minke({"train", "configs/nano.toml", "--out", at("nano"), "--steps", "0"}).code, 0);
  const Outcome o = minke({"learn", at("p.jsonl"), "--model", at("nano"), "--out", at("out"), "--think", "16", "--minutes", "5", "--json"});
  EXPECT_EQ(o.code, 1);
  EXPECT_NE(o.err.find("constant"), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("cold start"), std::string::npos) << o.err;
  const Json first = Json::parse(o.out.substr(0, o.out.find('\n')));
  EXPECT_EQ(first.at("step"), 0);
  EXPECT_EQ(first.at("pass1"), 0.0);
  EXPECT_EQ(first.at("ci95").size(), 2u);
  EXPECT_EQ(first.at("n"), 10) << "a quarter of a small file is held out";
}

}  // namespace
}  // namespace minke
