#include "reason/grade/tokens.h"

#include <cctype>

#include "reason/grade/steps.h"

namespace minke::grading {

namespace {

bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool foreign(char c) { return static_cast<unsigned char>(c) >= 128; }

// The length of 1,234,567 at the front of `s`, 0 if the digits and commas there are grouped otherwise.
size_t grouped_length(std::string_view s) {
  size_t i = 0;
  while (i < s.size() && digit(s[i])) ++i;
  if (i == 0 || i > 3) return 0;
  size_t groups = 0;
  while (i + 1 < s.size() && s[i] == ',' && digit(s[i + 1])) {
    size_t n = 0;
    while (i + 1 + n < s.size() && digit(s[i + 1 + n])) ++n;
    if (n != 3) return 0;
    i += 4, ++groups;
  }
  return groups ? i : 0;
}

class Cutter {
 public:
  Cutter(std::string_view s, bool grouping) : s_(s), grouping_(grouping) {}

  std::vector<Token> run() {
    while (at_ < s_.size()) {
      if (std::isspace(static_cast<unsigned char>(s_[at_]))) blank_ = true, ++at_;
      else next();
    }
    push(TokenKind::kEnd, "");
    return std::move(out_);
  }

 private:
  void push(TokenKind kind, std::string_view text, bool grouped = false) {
    out_.push_back({kind, std::string(text), blank_, grouped});
    blank_ = false;
  }

  void next() {
    const char c = s_[at_];
    if (digit(c) || (c == '.' && at_ + 1 < s_.size() && digit(s_[at_ + 1]))) return number();
    if (letter(c) || foreign(c)) return letters();
    if (c == '\\') return command();
    if (static_cast<unsigned char>(c) < 32) throw Refused{"a control character"};
    if (!text_braces_.empty() && c == '{') text_braces_.back()++;
    if (!text_braces_.empty() && c == '}' && --text_braces_.back() == 0) {
      text_braces_.pop_back();
      blank_ = true, ++at_;
      return;
    }
    if (c == '(' || c == '[') ++depth_;
    if (c == ')' || c == ']') --depth_;
    push(TokenKind::kPunct, s_.substr(at_++, 1));
  }

  void number() {
    const std::string_view rest = s_.substr(at_);
    size_t n = grouping_ && depth_ <= 0 ? grouped_length(rest) : 0;
    const bool grouped = n > 0;
    if (!grouped)
      while (n < rest.size() && digit(rest[n])) ++n;
    if (n + 1 < rest.size() && rest[n] == '.' && digit(rest[n + 1])) {
      ++n;
      while (n < rest.size() && digit(rest[n])) ++n;
    } else if (rest.substr(n).starts_with(".\\overline")) {  // 0.\overline{3}
      ++n;
    } else if (n < rest.size() && rest[n] == '.' && (n + 1 == rest.size() || !digit(rest[n + 1]))) {
      // "5." before a bracket, a comma or the end; the point says nothing
      std::string digits(rest.substr(0, n));
      at_ += n + 1;
      return number_token(digits, grouped);
    }
    // 1.5e-7, as programs print it
    size_t e = n;
    if (e < rest.size() && (rest[e] == 'e' || rest[e] == 'E') && text_braces_.empty()) {
      ++e;
      if (e < rest.size() && (rest[e] == '+' || rest[e] == '-')) ++e;
      const size_t first = e;
      while (e < rest.size() && digit(rest[e])) ++e;
      if (e > first && (e == rest.size() || !letter(rest[e]))) n = e;
    }
    std::string digits(rest.substr(0, n));
    at_ += n;
    number_token(digits, grouped);
  }

  void number_token(const std::string& digits, bool grouped) {
    std::string plain;
    for (const char c : digits)
      if (c != ',') plain += c;
    push(TokenKind::kNumber, plain, grouped);
  }

  void letters() {
    const bool in_text = !text_braces_.empty();
    size_t n = 0;
    bool any_foreign = false;
    const std::string_view rest = s_.substr(at_);
    while (n < rest.size()) {
      const bool inner = in_text && n > 0 && (rest[n] == '\'' || rest[n] == '-') && n + 1 < rest.size() && (letter(rest[n + 1]) || foreign(rest[n + 1]));
      if (!letter(rest[n]) && !foreign(rest[n]) && !inner) break;
      any_foreign |= foreign(rest[n]);
      ++n;
    }
    push(in_text || any_foreign ? TokenKind::kWord : n == 1 ? TokenKind::kLetter : TokenKind::kRun, rest.substr(0, n));
    at_ += n;
  }

  void command() {
    size_t n = 1;
    while (at_ + n < s_.size() && letter(s_[at_ + n])) ++n;
    if (n == 1) ++n;
    if (at_ + n > s_.size()) throw Refused{"a backslash at the end"};
    const std::string_view name = s_.substr(at_ + 1, n - 1);
    at_ += n;
    if (name == "text") {
      while (at_ < s_.size() && s_[at_] == ' ') ++at_;
      if (at_ >= s_.size() || s_[at_] != '{') throw Refused{"\\text without braces"};
      ++at_;
      text_braces_.push_back(1);
      if (text_braces_.size() > size_t(kMaxNesting)) throw Refused{"nested deeper than 64"};
      blank_ = true;
      return;
    }
    if (name == "{") ++depth_;
    if (name == "}") --depth_;
    push(TokenKind::kCommand, name);
  }

  std::string_view s_;
  bool grouping_;
  size_t at_ = 0;
  int depth_ = 0;  // of ( [ \{
  bool blank_ = false;
  std::vector<int> text_braces_;
  std::vector<Token> out_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view cleaned, bool grouping) { return Cutter(cleaned, grouping).run(); }

}  // namespace minke::grading
