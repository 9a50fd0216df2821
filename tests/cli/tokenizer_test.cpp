// minke tokenizer train|encode|decode from the command line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "cli/commands.h"

namespace minke {
namespace {

namespace fs = std::filesystem;
const std::string kRoot = std::string(MINKE_SOURCE_DIR) + "/";

struct Result {
  int code;
  std::string out, err;
};

Result run(std::vector<std::string> args) {
  args.insert(args.begin(), {"minke", "tokenizer"});
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Result r;
  r.code = run_cli(static_cast<int>(argv.size()), argv.data());
  r.out = testing::internal::GetCapturedStdout();
  r.err = testing::internal::GetCapturedStderr();
  return r;
}

class TokenizerCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("minke-tokenizer-" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  fs::path folder_;
  const std::string ours_ = kRoot + "tokenizer";
};

TEST_F(TokenizerCommand, TrainGivesTheFrozenTokenizer) {
  const Result r = run(
      {"train", kRoot + "data/books/train", kRoot + "tokenizer/problems.txt", "--no-digit-merges", "--out", at("t")});
  ASSERT_EQ(r.code, 0) << r.err;
  for (const char* name : {"/tokenizer.json", "/tokenizer_config.json"}) {
    EXPECT_TRUE(read_file(at("t") + name) == read_file(ours_ + name)) << name;
  }
}

TEST_F(TokenizerCommand, TrainTakesOtherSpecialsAndPreTokenizers) {
  write_file_atomic(at("a.jsonl"), "{\"text\": \"low lower lowest<|end|>\"}\n{\"text\": \"low low\"}\n");
  const Result r = run({"train", at("a.jsonl"), "--pretokenizer", "gpt2", "--special", "<|end|>", "--vocab-size", "260",
                        "--out", at("t")});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(run({"encode", at("t"), "low<|end|>", "--allow-special"}).out, "[258, 0]\n");
}

TEST_F(TokenizerCommand, EncodeWritesOneArrayALine) {
  EXPECT_EQ(run({"encode", ours_, "Once upon a time 12"}).out, "[2089, 334, 551, 261, 588, 223, 19, 20]\n");
  EXPECT_EQ(run({"encode", ours_, "<｜User｜>Hi", "--allow-special"}).out, "[4076, 42, 75]\n");
  EXPECT_GT(run({"encode", ours_, "<｜User｜>Hi"}).out.size(), 20u);
  EXPECT_EQ(run({"encode", ours_, ""}).out, "[]\n");
  write_file_atomic(at("two"), "Hi\nHi");
  EXPECT_EQ(run({"encode", ours_, "--file", at("two")}).out, "[42, 75, 201, 42, 75]\n");
  EXPECT_EQ(run({"encode", ours_, "--lines", "--file", at("two"), at("two")}).out,
            "[42, 75]\n[42, 75]\n[42, 75]\n[42, 75]\n");
  EXPECT_NE(run({"encode", ours_, "--stats", "Hi"}).err.find("2 bytes, 2 tokens"), std::string::npos);
}

TEST_F(TokenizerCommand, DecodeIsEncodesInverse) {
  const std::string text = "[a,b] \"Hi\"\n\n12 鯨 🐋\n";
  write_file_atomic(at("text"), text);
  write_file_atomic(at("ids"), run({"encode", ours_, "--file", at("text")}).out);
  EXPECT_EQ(run({"decode", ours_, "--file", at("ids")}).out, text);
  EXPECT_EQ(run({"decode", ours_, "[0, 42, 75, 1]", "--skip-special"}).out, "Hi");
  write_file_atomic(at("ids"), "[42, 75]\n\n[42]\n");
  EXPECT_EQ(run({"decode", ours_, "--file", at("ids")}).out, "Hi\nH");
}

TEST_F(TokenizerCommand, ErrorsAreOneLineAndLeaveNothing) {
  struct Case {
    std::vector<std::string> arguments;
    int code;
    const char* words;
  };
  write_file_atomic(at("bad.txt"), "\xFF\xFE");
  const Case cases[] = {
      {{"encode", at("nowhere"), "x"}, 1, "no tokenizer there"},
      {{"encode", at("bad.txt"), "x"}, 1, "not JSON"},
      {{"decode", ours_, "[4096]"}, 1, "from 0 to 4095, found 4096"},
      {{"decode", ours_, "[-1]"}, 1, "found -1"},
      {{"decode", ours_, "[1.5]"}, 1, "found 1.5"},
      {{"decode", ours_, "{}"}, 1, "expected a JSON array"},
      {{"decode", ours_, "[42,"}, 1, "expected a JSON array"},
      {{"train", at("bad.txt"), "--out", at("t")}, 1, "not UTF-8"},
      {{"train", at("none.txt"), "--out", at("t")}, 1, "none.txt"},
      {{"train", kRoot + "LICENSE", "--out", at("t")}, 1, "LICENSE"},
      {{"train", kRoot + "data/books/train/the-verdict.txt", "--vocab-size", "100000", "--out", at("t")},
       1,
       "smaller vocabulary"},
      {{"train", kRoot + "data/books/train/the-verdict.txt"}, 2, "--out"},
      {{"train", kRoot + "data/books/train/the-verdict.txt", "--vocab-size", "12", "--out", at("t")},
       2,
       "--vocab-size"},
      {{"train", "x", "--pretokenizer", "words", "--out", at("t")}, 2, "--pretokenizer"},
      {{"encode"}, 2, "tokenizer is required"},
      {{}, 2, "subcommand"},
  };
  for (const Case& test : cases) {
    const Result r = run(test.arguments);
    EXPECT_EQ(r.code, test.code) << r.err;
    EXPECT_NE(r.err.find(test.words), std::string::npos) << r.err << "\nexpected: " << test.words;
    if (r.code == 1) {
      EXPECT_EQ(r.err.find('\n'), r.err.size() - 1) << r.err;
    }
    EXPECT_EQ(r.out, "");
    EXPECT_FALSE(fs::exists(at("t")));
  }
}

}  // namespace
}  // namespace minke
