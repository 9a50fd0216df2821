#pragma once
// A cleaned answer cut into tokens. Words are what stands in \text{}; runs are letters side by side in maths, whose meaning (product,
// function, unit, word) the parser decides.
#include <string>
#include <string_view>
#include <vector>

namespace minke::grading {

enum class TokenKind : unsigned char { kNumber, kLetter, kRun, kWord, kCommand, kPunct, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;      // a number without its commas; a command without its backslash
  bool blank_before = false;
  bool grouped = false;  // a number written 1,000
  bool is(char c) const { return kind == TokenKind::kPunct && text.size() == 1 && text[0] == c; }
  bool command(std::string_view name) const { return kind == TokenKind::kCommand && text == name; }
};

// `grouping`: outside tuples and sets, 1,000 is one number. The last token is kEnd. Refused on what no answer holds.
std::vector<Token> tokens_of(std::string_view cleaned, bool grouping);

}  // namespace minke::grading
