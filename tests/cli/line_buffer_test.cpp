#include "cli/line_buffer.h"

#include <gtest/gtest.h>

namespace minke {
namespace {

TEST(LineBuffer, MovesAndErasesByCharacters) {
  LineBuffer b;
  b.insert("aä€😀");
  b.left();
  b.left();
  b.insert("x");
  EXPECT_EQ(b.text(), "aäx€😀");
  b.erase_before();
  b.erase_before();
  EXPECT_EQ(b.text(), "a€😀");
  EXPECT_EQ(b.cursor(), 1u);
  b.erase_at();
  b.right();
  b.right();  // at the end already
  EXPECT_EQ(b.cursor(), b.text().size());
  b.home();
  b.left();
  b.erase_before();
  EXPECT_EQ(b.text(), "a😀");
}

TEST(LineBuffer, KeepsTextAlone) {
  LineBuffer b;
  b.insert("a\x01\x7F\xFFz\n\xC3");  // controls, bytes that are no character
  EXPECT_EQ(b.text(), "az\n");
  b.clear();
  b.insert("\xED\xA0\x80\xC0\xAF");   // a surrogate, an overlong form
  EXPECT_EQ(b.text(), "");
}

TEST(LineBuffer, Words) {
  LineBuffer b;
  b.insert("one two  three");
  b.word_left();
  b.word_left();
  EXPECT_EQ(b.cursor(), 4u);
  b.erase_to_end();
  b.erase_word();
  EXPECT_EQ(b.text(), "");
  b.insert("one two");
  b.home();
  b.word_right();
  b.erase_to_start();
  EXPECT_EQ(b.text(), " two");
}

TEST(LineBuffer, HistoryKeepsWhatIsBeingTyped) {
  LineBuffer b;
  for (const char* line : {"first", "second", "second", ""}) b.remember(line);
  b.insert("half");
  b.older();
  EXPECT_EQ(b.text(), "second");
  b.older();
  EXPECT_EQ(b.text(), "first");
  b.older();
  EXPECT_EQ(b.text(), "first");
  b.newer();
  b.newer();
  EXPECT_EQ(b.text(), "half");
  b.newer();
  EXPECT_EQ(b.text(), "half");
}

TEST(LineBuffer, Columns) {
  const auto columns = [](std::string_view c) { return character_at(c, 0).columns; };
  EXPECT_EQ(columns("a"), 1);
  EXPECT_EQ(columns("ä"), 1);
  EXPECT_EQ(columns("漢"), 2);
  EXPECT_EQ(columns("😀"), 2);
  EXPECT_EQ(columns("\u0301"), 0);
  EXPECT_FALSE(character_at("\x80", 0).valid);
}

}  // namespace
}  // namespace minke
