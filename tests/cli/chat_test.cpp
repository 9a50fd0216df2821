// minke chat with the binary: what is shown, what a turn remembers, what is said of a model that never learnt the form.
#include <sstream>

#include "cli/sft_run.h"

namespace minke {
namespace {

using Json = nlohmann::json;

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
  return out;
}

TEST_F(SftTest, ChatShowsThoughtAndAnswer) {
  ASSERT_EQ(sft("out").code, 0);
  const Outcome plain = minke({"chat", at("out"), "-p", question(2), "-t", "0"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.out, "<think>\n" + thought(2) + "</think>\n" + answer(2) + "\n");  // no escape codes into a pipe
  const Outcome off = minke({"chat", at("out"), "-p", question(2), "-t", "0", "--no-think"});
  EXPECT_EQ(off.out, answer(2) + "\n");
  // A stop string ends the answer, never the thought.
  const Outcome stop = minke({"chat", at("out"), "-p", question(2), "-t", "0", "--stop", "blue", "--json"});
  const Json j = Json::parse(stop.out);
  EXPECT_EQ(j["thinking"], thought(2));
  EXPECT_EQ(j["answer"], "\\boxed{");
  EXPECT_EQ(j["finish_reason"], "stop");

  // The first of several turns is the answer to a single question; an empty line ends.
  Launch turns;
  turns.input = question(1) + "\n" + question(4) + "\n\n" + question(5) + "\n";
  const Outcome two = minke({"chat", at("out"), "-t", "0", "--json"}, turns);
  const auto lines = json_lines(two.out);
  ASSERT_EQ(lines.size(), 2u) << two.err;
  EXPECT_EQ(lines[0]["answer"], answer(1));
  // The same seed gives the same text, other seeds other texts.
  const auto sampled = [&](const char* seed) { return minke({"chat", at("base"), "-p", question(1), "-n", "20", "--seed", seed, "--json"}).out; };
  EXPECT_EQ(sampled("3"), sampled("3"));
  EXPECT_NE(sampled("3"), sampled("4"));
}

TEST_F(SftTest, ChatWithAModelThatNeverLearntTheForm) {
  const Outcome o = minke({"chat", at("base"), "-p", "Hi", "-n", "8", "-t", "0", "--json"});
  EXPECT_EQ(o.code, 0);
  EXPECT_NE(o.err.find("no </think> in 8 tokens"), std::string::npos) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1);
  const Json j = Json::parse(o.out);
  EXPECT_EQ(j["answer"], "");
  EXPECT_NE(j["thinking"], "");
  EXPECT_EQ(j["ids"].size(), 8u);
  EXPECT_EQ(j["finish_reason"], "length");
  // Without a thought there is nothing to say.
  EXPECT_EQ(minke({"chat", at("base"), "-p", "Hi", "-n", "8", "--no-think"}).err, "");

  std::string tokenizer = read_file(at("base/tokenizer.json"));
  tokenizer = replaced(tokenizer, "\"</think>\"", "\"</other>\"");
  write_file_atomic(at("base/tokenizer.json"), tokenizer);
  const Outcome without = minke({"chat", at("base"), "-p", "Hi"});
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.err.find("no token </think>"), std::string::npos) << without.err;
  EXPECT_EQ(minke({"chat", at("base"), "-p", "Hi", "--stop", ""}).code, 2);
}

}  // namespace
}  // namespace minke
