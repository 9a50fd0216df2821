// The scanners against hand-made cuts; whole strings against `tokenizers` are in tokenizer_test.cpp.
#include "data/tokenizer/pretokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "data/tokenizer/unicode.h"

namespace minke {
namespace {

std::vector<std::string> pieces(PreTokenizer kind, std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    out.emplace_back(first_piece(kind, text));
    if (out.back().empty()) break;
    text.remove_prefix(out.back().size());
  }
  return out;
}

using Pieces = std::vector<std::string>;

TEST(PreTokenizer, DeepSeekV3) {
  const auto cut = [](std::string_view text) { return pieces(PreTokenizer::kDeepSeekV3, text); };
  EXPECT_EQ(cut("Hello world"), (Pieces{"Hello", " world"}));
  EXPECT_EQ(cut("1234567"), (Pieces{"123", "456", "7"}));  // from the left
  EXPECT_EQ(cut("a 1"), (Pieces{"a", " ", "1"}));          // a blank never joins a digit
  EXPECT_EQ(cut("a   1"), (Pieces{"a", "   ", "1"}));      // the digits' cut comes first: a segment ends here
  EXPECT_EQ(cut("a   b"), (Pieces{"a", "  ", " b"}));
  EXPECT_EQ(cut("it's"), (Pieces{"it", "'s"}));
  EXPECT_EQ(cut("f(x)_y"), (Pieces{"f", "(x", ")_", "y"}));  // ASCII punctuation leads ASCII letters only
  EXPECT_EQ(cut("(é"), (Pieces{"(", "é"}));
  EXPECT_EQ(cut("end.\n\n  x"), (Pieces{"end", ".\n\n", " ", " x"}));
  EXPECT_EQ(cut(" \t\n \n  x"), (Pieces{" \t\n \n", " ", " x"}));
  EXPECT_EQ(cut("\tx \u00a0y"), (Pieces{"\tx", " ", "\u00a0y"}));
  EXPECT_EQ(cut("x  "), (Pieces{"x", "  "}));
  EXPECT_EQ(cut("日本語abc"), (Pieces{"日本語", "abc"}));
  EXPECT_EQ(cut("カ・キ"), (Pieces{"カ", "・", "キ"}));  // one CJK segment, cut again by the third Split
  EXPECT_EQ(cut("漢 字"), (Pieces{"漢", " ", "字"}));
  EXPECT_EQ(cut("e\u0301\u0301x"), (Pieces{"e\u0301\u0301x"}));
  EXPECT_EQ(cut(std::string_view("\x01\x02z", 3)), (Pieces{"\x01", "\x02z"}));
  EXPECT_EQ(cut(std::string_view("\x01\x02\x03", 3)), (Pieces{"\x01\x02\x03"}));
  EXPECT_EQ(cut(std::string_view("\x01\x02!", 3)), (Pieces{"\x01\x02", "!"}));
  EXPECT_EQ(cut("٣٤٥٦"), (Pieces{"٣٤٥", "٦"}));
}

TEST(PreTokenizer, Gpt2) {
  const auto cut = [](std::string_view text) { return pieces(PreTokenizer::kGpt2, text); };
  EXPECT_EQ(cut("Hello world"), (Pieces{"Hello", " world"}));
  EXPECT_EQ(cut("it's I'LL we'll"), (Pieces{"it", "'s", " I", "'", "LL", " we", "'ll"}));
  EXPECT_EQ(cut(" 1234  5"), (Pieces{" 1234", " ", " 5"}));
  EXPECT_EQ(cut("a\n\nb  "), (Pieces{"a", "\n", "\n", "b", "  "}));
  EXPECT_EQ(cut("x\u00a0!!e\u0301"), (Pieces{"x", "\u00a0", "!!", "e", "\u0301"}));
  EXPECT_EQ(cut("  's"), (Pieces{" ", " '", "s"}));
}

TEST(PreTokenizer, PiecesAddUpWhateverTheBytes) {
  Rng rng(5);
  for (int round = 0; round < 2000; ++round) {
    std::string text(1 + rng.below(60), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(2) ? rng.below(256) : " \n'a1.\xE4\xB8\x80"[rng.below(9)]);
    for (const PreTokenizer kind : {PreTokenizer::kDeepSeekV3, PreTokenizer::kGpt2}) {
      std::string sum;
      for (const std::string& piece : pieces(kind, text)) sum += piece;
      ASSERT_EQ(sum, text);
    }
  }
}

TEST(CharClasses, KnowUnicode16AndTheCjkRange) {
  const uint8_t* classes = char_classes();
  EXPECT_EQ(classes['a'], kLetter);
  EXPECT_EQ(classes['\n'], kSpace | kNewline);
  EXPECT_EQ(classes[0x1C], 0);  // Python's isspace says yes, White_Space says no
  EXPECT_EQ(classes[0x85], kSpace);
  EXPECT_EQ(classes[0x1C89], kLetter);  // assigned in Unicode 16
  EXPECT_EQ(classes[0x4E00], kLetter | kCjk);
  EXPECT_EQ(classes[0x9FA6], kLetter);
  EXPECT_EQ(classes[0x30FB], kPunctuation | kCjk);
  EXPECT_EQ(classes[0x10FFFF], 0);
}

TEST(Utf8, StepsFollowTheStandard) {
  const auto lossy = [](std::string_view bytes) {
    std::string out;
    append_utf8_lossy(bytes, false, &out);
    return out;
  };
  EXPECT_EQ(lossy("a\u00e9\u6f22\U0001F40B"), "a\u00e9\u6f22\U0001F40B");
  EXPECT_EQ(lossy("\xC0\x80"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(lossy("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(lossy("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // past U+10FFFF
  EXPECT_EQ(lossy("\xF0\x9F\x90x"), "\uFFFDx");                      // a maximal subpart is one U+FFFD
  EXPECT_EQ(lossy("\xE2\x82"), "\uFFFD");
  std::string held;
  EXPECT_EQ(append_utf8_lossy("ab\xE2\x82", true, &held), 2u);
  EXPECT_EQ(held, "ab");
}

}  // namespace
}  // namespace minke
