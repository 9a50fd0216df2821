#include "reason/grade/extract.h"

#include <gtest/gtest.h>

namespace minke {
namespace {

TEST(Extract, Table) {
  const struct {
    const char* completion;
    bool well_formed;
    const char* answer;
  } rows[] = {
      {"3 + 4 = 7\n</think>\\boxed{7}", true, "7"},
      {"<think>3 + 4 = 7</think>\n\\boxed{7}", true, "7"},
      {"\n <think>\nx</think>\\boxed{7}", true, "7"},
      {"</think>\\boxed{7}", true, "7"},
      {"a\nb\nc</think>text\n\\boxed{7}\nmore", true, "7"},
      {"x</think><answer>7</answer>", true, "7"},
      {"x</think><answer> \\boxed{7} </answer>", true, "7"},
      {"x</think><answer>7\n8</answer>", true, "7\n8"},
      {"x</think>\\boxed{1} and \\boxed{2}", true, "2"},
      {"x</think>\\fbox{1}", true, "1"},
      {"x</think>\\boxed{1} \\fbox{2}", true, "2"},
      {"x</think>\\fbox{1} \\boxed{2}", true, "2"},
      {"x</think>\\boxed{\\frac{1}{2}}", true, "\\frac{1}{2}"},
      {"x</think>\\boxed{\\{1,2\\}}", true, "\\{1,2\\}"},
      {"x</think>\\boxed{\\{1}", true, "\\{1"},
      {"x</think>\\boxed {7}", true, "7"},
      {"x</think>\\boxed{\\boxed{7}}", true, "7"},
      {"x</think>\\boxed{?}", true, "?"},
      {"x</think>\\boxed{7} \\boxed{8", true, "7"},
      // scope
      {"\\boxed{7}", false, ""},
      {"<think>\\boxed{7}", false, ""},
      {"x \\boxed{7}</think>", false, ""},
      {"x \\boxed{7}</think>8", false, ""},
      {"x</think>\\boxed{7}</think>", false, ""},
      {"x</think>y</think>\\boxed{7}", false, ""},
      {"", false, ""},
      // a box, but not the form
      {"x<think>y</think>\\boxed{7}", false, "7"},
      {"<think><think>y</think>\\boxed{7}", false, "7"},
      {"x</think><think>\\boxed{7}", false, "7"},
      {"x</think><answer>7</answer><answer>8</answer>", false, "8"},
      {"x</think><answer>\\boxed{7}", false, "7"},
      {"x</think>\\boxed{7}</answer>", false, "7"},
      // nothing after the tag
      {"x</think>7", false, ""},
      {"x</think>the answer is 7.", false, ""},
      {"x</think>\\boxed{7", false, ""},
      {"x</think>\\boxed", false, ""},
      {"x</think>\\boxed 7", false, ""},
      {"x</think><answer>7", false, ""},
      {"x</think></answer>7<answer>", false, ""},
      // look-alike tags are no tags
      {"x</thin\xd0\xba>\\boxed{7}", false, ""},
      {"x< /think>\\boxed{7}", false, ""},
      {"x</THINK>\\boxed{7}", false, ""},
  };
  for (const auto& row : rows) {
    const Extracted e = extract_answer(row.completion);
    EXPECT_EQ(e.well_formed, row.well_formed) << row.completion;
    EXPECT_EQ(e.answer, row.answer) << row.completion;
    EXPECT_FALSE(e.why.empty()) << row.completion;
  }
}

TEST(Extract, EmptyBoxIsNoAnswer) {
  const Extracted e = extract_answer("x</think>\\boxed{}");
  EXPECT_EQ(e.answer, "");
  EXPECT_EQ(e.why, "the answer is empty");
}

// A text of nothing but openings must not cost the square of its length.
TEST(Extract, ManyOpenBoxesAreCheap) {
  std::string text = "</think>";
  for (int n = 0; n < 200'000; ++n) text += "\\boxed{";
  EXPECT_EQ(extract_answer(text).answer, "");
}

TEST(Extract, Abstention) {
  for (const char* yes : {"?", " ? ", "$?$", "\\text{?}", "$\\text{ ? }$"}) EXPECT_TRUE(is_abstention(yes)) << yes;
  for (const char* no : {"", "??", "7?", "? 7", "what?"}) EXPECT_FALSE(is_abstention(no)) << no;
}

}  // namespace
}  // namespace minke
