// `minke learn` with the binary: what it refuses, what it shows, its end, and that a model which cannot answer is told so.
#include <nlohmann/json.hpp>

#include "cli/task_files.h"

namespace minke {
namespace {

class LearnTest : public TaskCommandTest {
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
  EXPECT_NE(none.err.find("no model folder there"), std::string::npos) << none.err;

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

// A model that says 4 six times in ten, 5 three times and else `?` has something to learn: the run goes to its end.
TEST_F(LearnTest, EndsWithBeforeAndAfter) {
  const auto questions = [&](const std::string& even, const std::string& odd) {
    std::string text = "not a problem\n";
    for (int i = 0; i < 40; ++i) text += Json{{"prompt", "Question " + std::to_string(i)}, {"answer", i % 2 ? odd : even}}.dump() + "\n";
    write("p.jsonl", text);
  };
  questions("5", "4");
  const std::vector<std::string> learn = {"learn", at("p.jsonl"), "--model", at("model"), "--out", at("out"), "--skip-bad", "--think", "16"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), learn.begin(), learn.end());
    return minke(more);
  };
  const Outcome o = with({"--minutes", "0.08", "--eval-seconds", "1", "--json"});
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_NE(o.err.find("p: 1 malformed lines passed over"), std::string::npos) << o.err;
  const std::vector<Json> lines = parsed(o.out);
  ASSERT_GE(lines.size(), 3u);  // evaluations before and after, the end
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    for (const char* key : {"step", "seconds", "tokens", "pass1", "ci95", "n", "mean_tokens"}) EXPECT_TRUE(lines[i].contains(key)) << key;
    EXPECT_EQ(lines[i].at("n"), 10) << "a quarter of a small file";
  }
  const Json &first = lines[0], &last = lines[lines.size() - 2], &end = lines.back();
  for (const auto& [name, evaluation] : {std::pair{"before", &first}, {"after", &last}}) {
    EXPECT_EQ(end.at(name).at("pass1"), evaluation->at("pass1")) << name;
    EXPECT_EQ(end.at(name).at("ci95"), evaluation->at("ci95")) << name;
  }
  EXPECT_GE(end.at("minutes").get<double>(), 0.08);
  EXPECT_LT(end.at("minutes").get<double>(), 5);
  EXPECT_GT(end.at("tokens").get<int64_t>(), 256) << "at least one rollout";
  EXPECT_EQ(end.at("tokens"), last.at("tokens"));
  EXPECT_GT(end.at("cost").get<double>(), 0);
  const Json& bill = end.at("bill");
  EXPECT_EQ(bill.at("dollars"), end.at("cost"));
  EXPECT_EQ(bill.at("tokens").get<int64_t>(), end.at("tokens").get<int64_t>());
  EXPECT_GT(bill.at("flop").get<double>(), 0);
  EXPECT_GT(bill.at("peak_share").get<double>(), 0);
  EXPECT_LT(bill.at("peak_share").get<double>(), 1);
  EXPECT_EQ(end.at("out"), at("out"));
  EXPECT_NE(read_file(at("out/model.safetensors")), read_file(at("model/model.safetensors"))) << "it has learnt something";

  // The same for the eye, graded by a command to which 4 alone is right.
  const Outcome shown = with({"--minutes", "0.03", "--fresh", "--grader", kFours});
  ASSERT_EQ(shown.code, 1) << shown.out;
  EXPECT_NE(shown.err.find("self-test"), std::string::npos) << "half of the golds are 5, which this grader calls wrong: " << shown.err;
  questions("4", "4");
  const Outcome fours = with({"--minutes", "0.03", "--fresh", "--grader", kFours});
  ASSERT_EQ(fours.code, 0) << fours.err;
  for (const char* part : {"of 10 held-out problems [", "solved   Question", "-> 7", "\nbefore   ", "\nafter    ", "\nspent    ", "\nbill     ", "\nmodel    "})
    EXPECT_NE(fours.out.find(part), std::string::npos) << part << "\n" << fours.out;
}

}  // namespace
}  // namespace minke
