// minke chat with the binary, without a terminal: what is shown, what stdin means, what an effort is worth.
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

  // Stdin is one question; with --lines every line is one that is not empty, and the first turn is the answer to a single question.
  Launch piped;
  piped.input = question(1) + "\n";
  EXPECT_EQ(minke({"chat", at("out"), "-t", "0"}, piped).out, minke({"chat", at("out"), "-t", "0", "-p", question(1)}).out);
  piped.input = question(1) + "\n" + question(4) + "\n\n" + question(5) + "\n";
  EXPECT_EQ(json_lines(minke({"chat", at("out"), "-t", "0", "--json"}, piped).out).size(), 1u);
  const auto lines = json_lines(minke({"chat", at("out"), "-t", "0", "--json", "--lines"}, piped).out);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["answer"], answer(1));
  const Outcome nothing = minke({"chat", at("out")});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_NE(nothing.err.find("stdin holds no question"), std::string::npos) << nothing.err;
  // The same seed gives the same text, other seeds other texts.
  const auto sampled = [&](const char* seed) { return minke({"chat", at("base"), "-p", question(1), "-n", "20", "--seed", seed, "--json"}).out; };
  EXPECT_EQ(sampled("3"), sampled("3"));
  EXPECT_NE(sampled("3"), sampled("4"));
}

TEST_F(SftTest, ChatKeepsToItsEffortWhateverTheModelSays) {
  const Outcome o = minke({"chat", at("base"), "-p", "Hi", "-n", "8", "--effort", "5", "--json"});
  EXPECT_EQ(o.code, 0) << o.err;
  const Json j = Json::parse(o.out);
  EXPECT_EQ(j["effort"]["asked"], "5");
  EXPECT_EQ(j["effort"]["thinking"], 5);
  EXPECT_EQ(j["effort"]["exit"], "length");
  EXPECT_EQ(j["ids"].size(), 5u + 1 + 8 + 1);  // </think>, EOS
  EXPECT_EQ(j["finish_reason"], "length");
  const Outcome max = minke({"chat", at("base"), "-p", "Hi", "-n", "2", "--effort", "max", "--json"});
  EXPECT_EQ(Json::parse(max.out)["effort"]["samples"], 8);
  EXPECT_EQ(minke({"chat", at("base"), "-p", "Hi", "--effort", "1"}).code, 2);
  EXPECT_EQ(minke({"chat", at("base"), "-p", "Hi", "--effort", "off", "--no-think"}).code, 2);

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
