#include "base/unicode_text.h"

#include <gtest/gtest.h>

#include <fstream>

namespace minke {
namespace {

TEST(UnicodeText, AsPythonDoes) {
  std::ifstream in(MINKE_SOURCE_DIR "/tests/data/unicode/text.tsv");
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    const size_t a = line.find('\t'), b = line.find('\t', a + 1);
    ASSERT_NE(b, std::string::npos);
    const std::string text = line.substr(0, a), composed = line.substr(a + 1, b - a - 1);
    EXPECT_EQ(nfc(text), composed) << text;
    EXPECT_EQ(nfc(composed), composed) << text;
    EXPECT_EQ(comparable_text(text), line.substr(b + 1)) << text;
  }
  EXPECT_GT(lines, 1200);
}

TEST(UnicodeText, BlanksAroundGo) {
  EXPECT_EQ(trimmed(" \t\r\n"), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\u00a0\u3000New York \u2028"), "New York");
  EXPECT_EQ(comparable_text("  \u00c9TUDE\n"), comparable_text("e\u0301tude"));
  EXPECT_NE(comparable_text("etude"), comparable_text("\u00e9tude"));
}

TEST(UnicodeText, IllFormedBytesBecomeReplacementCharacters) {
  EXPECT_EQ(nfc("a\xff"), "a\ufffd");
  EXPECT_EQ(nfc("\xe2\x82"), "\ufffd");
  EXPECT_EQ(comparable_text("\xff"), "\ufffd");
}

}  // namespace
}  // namespace minke
