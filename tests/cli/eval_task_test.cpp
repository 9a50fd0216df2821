// minke eval MODEL --task with the real binary.
#include <cmath>

#include "cli/task_files.h"

namespace minke {
namespace {

class EvalTaskTest : public TaskCommandTest {
 protected:
  Outcome eval(std::vector<std::string> more, const Launch& how = {}) const {
    more.insert(more.begin(), {"eval", at("model")});
    return minke(with_defaults(more, {"--task", "expressions-b3", "--grader", kFours, "--temperature", "1", "--top-p", "1", "--max-tokens", "64"}), how);
  }
};

TEST_F(EvalTaskTest, RowsThenASummary) {
  const Outcome o = eval({"--n", "30", "--samples", "4", "--json"});
  ASSERT_EQ(o.code, 0) << o.err;
  const std::vector<Json> lines = parsed(o.out);
  ASSERT_EQ(lines.size(), 121u);
  int right = 0;
  for (size_t i = 0; i < 120; ++i) {
    EXPECT_EQ(lines[i]["sample"], i % 4);
    EXPECT_EQ(lines[i]["correct"], lines[i]["answer"] == "4");
    right += lines[i]["correct"].get<bool>();
  }
  const Json& s = lines.back();
  EXPECT_EQ(s["n"], 30);
  EXPECT_EQ(s["samples"], 4);
  EXPECT_DOUBLE_EQ(s["pass1"], right / 120.0);
  EXPECT_NEAR(s["pass1"], 0.6, 4 * std::sqrt(0.24 / 120));
  EXPECT_GE(s["pass_k"]["4"], s["pass1"]);
  EXPECT_EQ(eval({"--n", "30", "--samples", "4", "--json"}).out, o.out) << "again";
  EXPECT_NE(eval({"--n", "30", "--samples", "4", "--json", "--seed", "2"}).out, o.out);

  const Outcome table = eval({"--n", "30", "--samples", "4"});
  for (const char* text : {"pass@1", "cons@4", "\nsolved", "\nunsolved", "\\boxed{4}"}) EXPECT_NE(table.out.find(text), std::string::npos) << text << "\n" << table.out;
}

TEST_F(EvalTaskTest, GoesOnFromItsRows) {
  const std::vector<std::string> whole = {"--n", "40", "--samples", "4", "--json"}, kept = {"--n", "40", "--samples", "4", "--json", "--rows", at("rows.jsonl")};
  const Outcome fresh = eval(whole);
  ASSERT_EQ(fresh.code, 0) << fresh.err;
  // Interrupted once some answers are there, then less than it asked for, then all.
  Launch stopped;
  stopped.signal = SIGINT;
  stopped.when = [&] { return lines_in("rows.jsonl") > 10; };
  const Outcome first = eval(kept, stopped);
  const size_t after_stop = lines_in("rows.jsonl");
  EXPECT_GT(after_stop, 10u);
  if (first.code != 0) {
    EXPECT_EQ(first.code, 130);
    EXPECT_NE(first.err.find("goes on from here"), std::string::npos) << first.err;
    EXPECT_LT(after_stop, 161u);
  }
  const Outcome fewer = eval({"--n", "10", "--samples", "2", "--json", "--rows", at("rows.jsonl")});
  EXPECT_EQ(parsed(fewer.out).size(), 21u);
  EXPECT_EQ(eval(kept).out, fresh.out);
  EXPECT_EQ(lines_in("rows.jsonl"), 161u) << "one line about them, and every answer once";

  const Outcome other = eval({"--n", "40", "--samples", "4", "--rows", at("rows.jsonl"), "--seed", "9"});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("seed"), std::string::npos) << other.err;
}

TEST_F(EvalTaskTest, AgainstEarlierRows) {
  ASSERT_EQ(eval({"--n", "30", "--samples", "4", "--rows", at("before.jsonl")}).code, 0);
  const Outcome same = eval({"--n", "30", "--samples", "4", "--against", at("before.jsonl")});
  EXPECT_NE(same.out.find("30 problems in both"), std::string::npos) << same.out;
  EXPECT_NE(same.out.find("pass@1                         +0.0 [+0.0, +0.0]  p 1.0000"), std::string::npos) << same.out;
  EXPECT_EQ(eval({"--n", "30", "--seed", "5", "--against", at("before.jsonl")}).code, 1) << "other problems";
}

TEST_F(EvalTaskTest, CapAndNoThink) {
  for (const Json& row : parsed(eval({"--n", "10", "--samples", "4", "--json", "--cap", "1"}).out)) {
    if (!row.contains("id")) {
      EXPECT_NEAR(row["capped"], 1, 1e-12);  // one seven comes for certain, then the cap
      continue;
    }
    EXPECT_EQ(row["think_tokens"], 1);
    EXPECT_EQ(row["exit"], "cap");
  }
  const std::vector<Json> off = parsed(eval({"--n", "10", "--json", "--no-think"}).out);
  ASSERT_EQ(off.size(), 41u);
  EXPECT_EQ(off.back()["mean_think_tokens"], 0);
}

TEST_F(EvalTaskTest, Refuses) {
  const struct { std::vector<std::string> more; int code; const char* says; } cases[] = {
      {{"--split", "train"}, 2, "train"},
      {{"--task", "digits-b1", "--level", "1", "--n", "1000"}, 1, "holds"},
      {{"--cap", "60"}, 2, "--cap 60"},
      {{"--samples", "0"}, 2, "--samples"},
      {{"--text", "README.md"}, 2, "--text"},
      {{"--grader", "exit 1", "--n", "2"}, 1, "exit 1"},
  };
  for (const auto& c : cases) {
    const Outcome o = eval(c.more);
    EXPECT_EQ(o.code, c.code) << c.says << ": " << o.err;
    EXPECT_NE(o.err.find(c.says), std::string::npos) << o.err;
  }
  EXPECT_EQ(minke({"eval", at("model")}).code, 2);
  EXPECT_EQ(minke({"eval", at("model"), "--task", "no-such-task"}).code, 2);
  EXPECT_EQ(minke({"eval", at("model"), "--text", "README.md", "--samples", "3"}).code, 2) << "an option of tasks";
}

// A user's own problems: the split keeps those that learn trains on out, a malformed line is named, --skip-bad goes on.
TEST_F(EvalTaskTest, OwnFile) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += Json{{"prompt", "Compute 1 + " + std::to_string(i)}, {"answer", "4"}}.dump() + "\n";
  write("fours.jsonl", lines);
  const std::vector<std::string> ask = {"eval", at("model"), "--task", at("fours.jsonl"), "--temperature", "1", "--top-p", "1", "--max-tokens", "64", "--samples", "2", "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), ask.begin(), ask.end());
    return minke(more);
  };
  const Outcome o = with({"--n", "20"});
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_EQ(parsed(o.out).back()["n"], 20);
  EXPECT_NEAR(parsed(o.out).back()["pass1"], 0.6, 4 * std::sqrt(0.24 / 40)) << "graded against the file's answers";
  EXPECT_LT(parsed(with({}).out).back()["n"], 100) << "without --n, the whole split";
  EXPECT_EQ(with({"--n", "100"}).code, 1) << "most of them are for training";
  EXPECT_EQ(parsed(with({"--n", "100", "--whole"}).out).back()["n"], 100);

  write("fours.jsonl", lines + "{\"prompt\": \"no answer\"}\n");
  const Outcome bad = with({"--n", "5"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.err.find("101"), std::string::npos) << bad.err;
  const Outcome skipped = with({"--n", "5", "--skip-bad"});
  EXPECT_EQ(skipped.code, 0);
  EXPECT_NE(skipped.err.find("1 malformed"), std::string::npos) << skipped.err;
}

TEST_F(EvalTaskTest, BuiltInTask) {
  const Outcome o = minke({"eval", at("model"), "--task", "expressions-b3", "--level", "4", "--n", "8", "--samples", "2", "--json", "--split", "calibration"});
  ASSERT_EQ(o.code, 0) << o.err;
  const std::vector<Json> lines = parsed(o.out);
  ASSERT_EQ(lines.size(), 17u);
  EXPECT_EQ(lines[0]["family"], "expressions-b3");
  EXPECT_EQ(lines[0]["level"], 4);
}

}  // namespace
}  // namespace minke
