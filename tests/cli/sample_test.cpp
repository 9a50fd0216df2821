// minke sample with the real binary: right answers, each thought once, as data that minke sft reads.
#include <set>

#include "cli/task_files.h"
#include "data/chat.h"

namespace minke {
namespace {

class SampleTest : public TaskCommandTest {
 protected:
  Outcome sample(std::vector<std::string> more, const Launch& how = {}) const {
    more.insert(more.begin(), {"sample", at("model")});
    return minke(with_defaults(more, {"--task", "expressions-b3", "--grader", kFours, "--max-tokens", "64", "--out", at("data.jsonl")}), how);
  }
};

TEST_F(SampleTest, KeepsRightAnswersOnce) {
  const Outcome o = sample({"--n", "20", "--samples", "8", "--json"});
  ASSERT_EQ(o.code, 0) << o.err;
  const Json s = Json::parse(o.out);
  EXPECT_EQ(s["problems"], 20);
  EXPECT_EQ(s["answers"], 160);
  EXPECT_NEAR(s["share_right"], 0.6, 0.16);
  EXPECT_LT(s["kept"], s["right"]) << "half of all thoughts are one seven";

  const Tokenizer tokenizer = Tokenizer::load(at("model"));
  std::set<std::string> distinct, prompts;
  size_t kept = 0;
  for (const Json& line : parsed(read_file(at("data.jsonl")))) {
    const std::string prompt = line["prompt"], completion = line["completion"];
    EXPECT_TRUE(completion.ends_with("</think>\\boxed{4}")) << completion;
    distinct.insert(prompt + "\n" + completion);
    prompts.insert(prompt);
    ++kept;
    const std::vector<ChatMessage> messages = {{"user", prompt}, {"assistant", completion}};
    const ChatExample e = chat_example(tokenizer, messages);
    EXPECT_EQ(e.thinking, Thinking::kOn);
  }
  EXPECT_EQ(kept, distinct.size());
  EXPECT_EQ(s["kept"], kept);
  EXPECT_EQ(s["problems_solved"], prompts.size());

  // Without thinking a problem has one right answer; --most bounds the others.
  const Outcome off = sample({"--n", "20", "--samples", "8", "--json", "--no-think", "--out", at("off.jsonl")});
  EXPECT_EQ(Json::parse(off.out)["kept"], Json::parse(off.out)["problems_solved"]);
  const Outcome one = sample({"--n", "20", "--samples", "8", "--json", "--most", "1"});
  EXPECT_EQ(Json::parse(one.out)["kept"], prompts.size());
  EXPECT_EQ(lines_in("data.jsonl.rows"), 161u) << "nothing was asked twice";
}

TEST_F(SampleTest, GoesOnWhereItStopped) {
  ASSERT_EQ(sample({"--n", "30", "--samples", "4"}).code, 0);
  const std::string whole = read_file(at("data.jsonl"));
  fs::remove(at("data.jsonl"));
  fs::remove(at("data.jsonl.rows"));
  Launch stopped;
  stopped.signal = SIGINT;
  stopped.when = [&] { return lines_in("data.jsonl.rows") > 5; };
  const Outcome first = sample({"--n", "30", "--samples", "4"}, stopped);
  if (first.code != 0) {
    EXPECT_EQ(first.code, 130);
    EXPECT_FALSE(file_exists(at("data.jsonl")));
  }
  EXPECT_EQ(sample({"--n", "30", "--samples", "4"}).code, 0);
  EXPECT_EQ(read_file(at("data.jsonl")), whole);
  EXPECT_EQ(lines_in("data.jsonl.rows"), 121u);
}

TEST_F(SampleTest, HeldOutProblemsAreNeverSampled) {
  for (const char* split : {"test", "calibration"}) {
    const Outcome o = sample({"--n", "2", "--split", split});
    EXPECT_EQ(o.code, 2);
    EXPECT_NE(o.err.find("held out"), std::string::npos) << o.err;
  }
  // No prompt of the data is one of the held-out problems, however many are asked for.
  ASSERT_EQ(sample({"--n", "400", "--samples", "1"}).code, 0);
  std::set<std::string> trained;
  for (const Json& line : parsed(read_file(at("data.jsonl.rows"))))
    if (line.contains("id")) trained.insert(line["id"]);
  EXPECT_EQ(trained.size(), 400u);
  for (const std::string& id : trained) EXPECT_NE(id.find("train"), std::string::npos) << id;
  const Outcome all = sample({"--task", "digits-b1", "--level", "1", "--n", "600", "--out", at("digits.jsonl")});
  EXPECT_EQ(all.code, 2);
  EXPECT_NE(all.err.find("holds"), std::string::npos) << all.err;
}

}  // namespace
}  // namespace minke
