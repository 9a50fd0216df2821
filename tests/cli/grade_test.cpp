// minke grade: the real binary on files of pairs.
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/binary.h"

namespace minke {
namespace {

class GradeTest : public BinaryTest {
 protected:
  std::vector<nlohmann::json> verdicts(const Outcome& o) const {
    EXPECT_EQ(o.code, 0) << o.err;
    std::vector<nlohmann::json> out;
    std::istringstream lines(o.out);
    for (std::string line; std::getline(lines, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }
};

TEST_F(GradeTest, AnswersAndCompletionsInOrder) {
  write("pairs.jsonl",
        R"({"gold": "1/2", "answer": "0.5"}
{"gold": "7", "answer": "14/2"}
{"gold": "7", "answer": 7, "id": "other keys are ignored"}
{"gold": "7", "completion": "3 + 4\n</think>\\boxed{7}"}
{"gold": "7", "completion": "3 + 4 = \\boxed{7}"}
{"gold": "7", "completion": "</think>\\boxed{?}"}
{"gold": "\\frac{1}{2", "answer": "1/2"}
{"gold": "\\text{east}", "answer": "East"})");
  const auto check = [&](const Outcome& o, const std::vector<nlohmann::json>& expected) {
    const auto rows = verdicts(o);
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t k = 0; k < rows.size(); ++k) {
      EXPECT_EQ(rows[k]["equal"], expected[k]) << k << ": " << rows[k];
      EXPECT_NE(rows[k]["why"], "") << k;
      EXPECT_EQ(rows[k].size(), 2u);
    }
    EXPECT_EQ(rows[4]["why"], "no </think>");
  };
  const std::vector<nlohmann::json> lenient = {true, true, true, true, false, false, nullptr, true};
  std::vector<nlohmann::json> strict = lenient;
  strict[1] = false;
  check(minke({"grade", "--pairs", at("pairs.jsonl")}), lenient);
  check(minke({"grade", "--pairs", at("pairs.jsonl"), "--mode", "lenient"}), lenient);
  check(minke({"grade", "--pairs", at("pairs.jsonl"), "--mode", "strict"}), strict);
  Launch input;
  input.input = read_file(at("pairs.jsonl"));
  check(minke({"grade", "--pairs", "-"}, input), lenient);
}

// Nothing is graded before every line is read; the message names the line.
TEST_F(GradeTest, MalformedLines) {
  const struct {
    const char* line;
    const char* says;
  } rows[] = {
      {"not json", "not a JSON object"},
      {"[1, 2]", "not a JSON object"},
      {"", "not a JSON object"},
      {R"({"gold": "1"})", "no \"answer\" and no \"completion\""},
      {R"({"answer": "1"})", "no \"gold\""},
      {R"({"gold": "1", "answer": "1", "completion": "1"})", "both \"answer\" and \"completion\""},
      {R"({"gold": ["1"], "answer": "1"})", "\"gold\" is neither a string nor a number"},
      {R"({"gold": "1", "answer": null})", "\"answer\" is neither a string nor a number"},
      {R"({"gold": "1", "answer": "1")", "not a JSON object"},
  };
  for (const auto& row : rows) {
    write("bad.jsonl", std::string(R"({"gold": "1", "answer": "1"})") + "\n" + row.line + "\n");
    const Outcome o = minke({"grade", "--pairs", at("bad.jsonl")});
    EXPECT_EQ(o.code, 1) << row.line;
    EXPECT_EQ(o.out, "") << row.line;
    EXPECT_NE(o.err.find(at("bad.jsonl") + ":2: " + row.says), std::string::npos) << o.err;
  }
  EXPECT_EQ(minke({"grade", "--pairs", at("nothing.jsonl")}).code, 1);
  EXPECT_EQ(minke({"grade"}).code, 2);
  EXPECT_EQ(minke({"grade", "--pairs", at("bad.jsonl"), "--mode", "kind"}).code, 2);
  const Outcome help = minke({"grade", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("Examples:"), std::string::npos);
}

}  // namespace
}  // namespace minke
