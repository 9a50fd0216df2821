#include "eval/sample_row.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace minke {
namespace {

SampleRow row(const std::string& id, int64_t sample) {
  SampleRow r;
  r.id = id;
  r.family = "sums";
  r.level = 3;
  r.group = "held-out wording";
  r.sample = sample;
  r.correct = true;
  r.answer = "\\frac{1}{2}";
  r.vote = "1/2";
  r.outcome = Outcome::kRight;
  r.think_tokens = 7;
  r.total_tokens = 12;
  r.exit = Exit::kCap;
  r.text = "half\n\"é\"</think>\\boxed{\\frac{1}{2}}";
  return r;
}

class RowFileTest : public testing::Test {
 protected:
  void SetUp() override { path_ = (std::filesystem::temp_directory_path() / ("minke-rows-" + std::to_string(getpid()) + ".jsonl")).string(), remove(); }
  void TearDown() override { remove(); }
  void remove() { std::filesystem::remove(path_); }
  std::string open_error(const RowFile::MadeBy& made_by) const {
    try {
      RowFile file(path_, made_by);
    } catch (const Error& e) {
      return e.what();
    }
    return "opened";
  }
  const RowFile::MadeBy made_by_ = {{"model", "0123"}, {"seed", "1"}};
  std::string path_;
};

TEST(SampleRow, NamesThatScriptsReadAndBack) {
  const std::string line = row_json(row("p", 2), false);
  const auto j = nlohmann::json::parse(line);
  for (const char* key : {"id", "family", "level", "sample", "correct", "answer", "think_tokens", "total_tokens", "exit"}) EXPECT_TRUE(j.contains(key)) << key;
  EXPECT_FALSE(j.contains("text"));
  EXPECT_EQ(j["exit"], "cap");
  const std::string whole = row_json(row("p", 2), true);
  EXPECT_EQ(row_json(parse_row(whole, "here"), true), whole);
}

TEST(SampleRow, TheEffortsObjectAndBack) {
  SampleRow r = row("p", 0);
  EXPECT_FALSE(nlohmann::json::parse(row_json(r, false)).contains("effort"));
  r.effort = EffortSpent{"max", "max", 256, 31, 190, 5, EffortExit::kAgreed};
  const std::string line = row_json(r, false);
  EXPECT_EQ(nlohmann::json::parse(line)["effort"].dump(), R"({"applied":"max","asked":"max","cap":256,"discarded":190,"exit":"agreed","samples":5,"thinking":31})");
  EXPECT_EQ(row_json(parse_row(line, "here"), false), line);
}

TEST_F(RowFileTest, KeepsRowsAndDropsATornLine) {
  {
    RowFile file(path_, made_by_);
    EXPECT_TRUE(file.rows().empty());
    file.append(row("a", 0));
    file.append(row("b", 1));
  }
  std::ofstream(path_, std::ios::app) << row_json(row("c", 0), true).substr(0, 40);  // killed while writing
  {
    RowFile file(path_, made_by_);
    ASSERT_EQ(file.rows().size(), 2u);
    EXPECT_EQ(row_json(file.rows().at({"b", 1}), true), row_json(row("b", 1), true));
    file.append(row("c", 0));
  }
  EXPECT_EQ(RowFile(path_, made_by_).rows().size(), 3u);
}

TEST_F(RowFileTest, RefusesAnothersRows) {
  { RowFile(path_, made_by_).append(row("a", 0)); }
  const std::string before = read_file(path_);
  const std::string other = open_error({{"model", "0123"}, {"seed", "2"}});
  EXPECT_NE(other.find("seed \"1\", now it is \"2\""), std::string::npos) << other;
  EXPECT_NE(open_error({{"model", "0123"}, {"seed", "1"}, {"cap", "9"}}).find("cap nothing"), std::string::npos);
  EXPECT_EQ(read_file(path_), before);

  write_file_atomic(path_, "{\"prompt\": \"not ours\"}\n");
  EXPECT_NE(open_error(made_by_).find("made_by"), std::string::npos);
  EXPECT_EQ(read_file(path_), "{\"prompt\": \"not ours\"}\n");
  write_file_atomic(path_, "a note without a line end");
  EXPECT_NE(open_error(made_by_), "opened");
  EXPECT_EQ(read_file(path_), "a note without a line end") << "only a torn row is dropped";

  write_file_atomic(path_, before + "{\"id\": \"a\", \"family\": 7}\n");
  EXPECT_NE(open_error(made_by_).find(":3: family"), std::string::npos) << open_error(made_by_);
}

TEST_F(RowFileTest, OneWriterAtATime) {
  RowFile file(path_, made_by_);
  EXPECT_NE(open_error(made_by_).find("another process"), std::string::npos);
}

}  // namespace
}  // namespace minke
