#include "reason/grade/clean.h"

#include <algorithm>
#include <cctype>

#include "base/unicode_text.h"

namespace minke::grading {

namespace {

struct Spelling {
  std::string_view from, to;
};

// Longest first where one begins another.
constexpr Spelling kUnicode[] = {
    {"−", "-"},       {"–", "-"},       {"×", "*"},      {"·", "*"},      {"⋅", "*"},       {"∗", "*"},      {"÷", "/"},       {"⁄", "/"},
    {"≤", "\\le "},   {"≥", "\\ge "},   {"≠", "\\neq "}, {"±", "\\pm "},  {"∓", "\\mp "},   {"π", "\\pi "},  {"∞", "\\infty "}, 
    {"∪", "\\cup "},  {"∩", "\\cap "},  {"∈", "\\in "},  {"°", "^\\circ "}, {"º", "^\\circ "}, {"²", "^2"},    {"³", "^3"},      {"½", "\\frac{1}{2}"},
    {"¼", "\\frac{1}{4}"}, {"¾", "\\frac{3}{4}"}, {"⅓", "\\frac{1}{3}"}, {"⅔", "\\frac{2}{3}"}, {"θ", "\\theta "}, {"α", "\\alpha "},
    {"β", "\\beta "}, {"γ", "\\gamma "}, {"λ", "\\lambda "}, {"φ", "\\phi "}, {"ω", "\\omega "}, {"∅", "\\emptyset "}, {"ℝ", "\\mathbb{R}"},
    {"€", "\\euro "}, {"£", "\\pounds "}, {"¢", "\\cents "}, {"⟨", "\\langle "}, {"⟩", "\\rangle "}, {"\u00a0", " "}, {"\u2009", " "}, {"\u202f", " "},
    {"’", "'"},       {"“", "\""},      {"”", "\""},
};

// Commands without arguments of interest; sizes and spaces become nothing or a blank.
constexpr Spelling kCommands[] = {
    {"left", ""},       {"right", ""},      {"big", ""},         {"Big", ""},        {"bigg", ""},       {"Bigg", ""},     {"bigl", ""},      {"bigr", ""},
    {"Bigl", ""},       {"Bigr", ""},       {"biggl", ""},       {"biggr", ""},      {"Biggl", ""},      {"Biggr", ""},    {"displaystyle", ""}, {"textstyle", ""},
    {"limits", ""},     {"nolimits", ""},   {"boxed", ""},       {"fbox", ""},       {"quad", " "},      {"qquad", " "},   {",", " "},        {";", " "},
    {":", " "},         {" ", " "},         {">", " "},          {"(", ""},          {")", ""},          {"[", ""},        {"]", ""},         {"cdot", "*"},
    {"times", "*"},     {"ast", "*"},       {"div", "/"},        {"dfrac", "\\frac"}, {"tfrac", "\\frac"}, {"cfrac", "\\frac"}, {"dbinom", "\\binom"}, {"tbinom", "\\binom"},
    {"leq", "\\le "},   {"leqslant", "\\le "}, {"le", "\\le "},  {"geq", "\\ge "},   {"geqslant", "\\ge "}, {"ge", "\\ge "}, {"ne", "\\neq "},  {"neq", "\\neq "},
    {"lt", "<"},        {"gt", ">"},        {"%", "%"},          {"lbrace", "\\{"},  {"rbrace", "\\}"},  {"lbrack", "["},  {"rbrack", "]"},   {"lparen", "("},
    {"rparen", ")"},    {"lvert", "|"},     {"rvert", "|"},      {"vert", "|"},      {"mid", "|"},       {"degree", "^\\circ "}, {"degrees", "^\\circ "}, {"varnothing", "\\emptyset "},
    {"mathrm", "\\text"}, {"mbox", "\\text"}, {"hbox", "\\text"}, {"textrm", "\\text"}, {"textbf", "\\text"}, {"textit", "\\text"}, {"textsf", "\\text"}, {"texttt", "\\text"},
    {"mathbf", "\\text"}, {"mathit", "\\text"}, {"mathsf", "\\text"}, {"boldsymbol", "\\text"}, {"bm", "\\text"}, {"operatorname", "\\text"}, {"emph", "\\text"}, {"textnormal", "\\text"},
    {"lor", "\\text{or}"}, {"vee", "\\text{or}"}, {"land", "\\text{and}"}, {"wedge", "\\text{and}"}, {"infin", "\\infty "},
    {"angle", " "},     {"triangle", " "},  {"vec", ""},         {"hat", ""},        {"overrightarrow", ""}, {"bar", "\\overline"},
};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

constexpr std::string_view kRootSign = "√";

std::string with_unicode_replaced(std::string_view s) {
  if (std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 128; })) return std::string(s);
  std::string out;
  for (size_t i = 0; i < s.size();) {
    const Spelling* hit = nullptr;
    if (static_cast<unsigned char>(s[i]) >= 128)
      for (const Spelling& row : kUnicode)
        if (s.substr(i).starts_with(row.from)) {
          hit = &row;
          break;
        }
    if (hit) {
      out += hit->to, i += hit->from.size();
    } else if (s.substr(i).starts_with(kRootSign)) {  // √12 is the root of 12, \sqrt 12 that of 1
      i += kRootSign.size();
      size_t digits = 0;
      while (i + digits < s.size() && is_digit(s[i + digits])) ++digits;
      out += digits ? "\\sqrt{" + std::string(s.substr(i, digits)) + "}" : "\\sqrt ";
      i += digits;
    }
    else out += s[i++];
  }
  return out;
}

// 10\,000 and 10{,}000: the digits on both sides belong together where exactly three follow.
bool joins_digits(const std::string& before, std::string_view rest) {
  return !before.empty() && is_digit(before.back()) && rest.size() >= 3 && is_digit(rest[0]) && is_digit(rest[1]) && is_digit(rest[2]) &&
         (rest.size() == 3 || !is_digit(rest[3]));
}

std::string with_commands_replaced(std::string_view s) {
  std::string out;
  const auto skip_blanks = [&](size_t i) {
    while (i < s.size() && is_blank(s[i])) ++i;
    return i;
  };
  for (size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (c == '$') {
      ++i;
    } else if (c == '~' || is_blank(c)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      ++i;
    } else if (s.substr(i).starts_with("{,}")) {
      out += ',', i += 3;
    } else if (c != '\\') {
      out += c, ++i;
    } else if (i + 1 >= s.size()) {
      out += c, ++i;
    } else {
      size_t end = i + 1;
      while (end < s.size() && is_letter(s[end])) ++end;
      if (end == i + 1) ++end;  // a command of one character
      const std::string_view name = s.substr(i + 1, end - i - 1);
      if (name == "!") {  // a negative space: what stands around it belongs together
        i = skip_blanks(end);
        continue;
      }
      if (name == "," && joins_digits(out, s.substr(end))) {
        i = end;
        continue;
      }
      const auto* row = std::find_if(std::begin(kCommands), std::end(kCommands), [&](const Spelling& r) { return r.from == name; });
      if (row == std::end(kCommands)) {
        out += s.substr(i, end - i);
      } else {
        out += row->to == " " && (out.empty() || out.back() == ' ') ? std::string_view() : row->to;
        if ((name == "left" || name == "right") && end < s.size() && s[end] == '.') ++end;  // the invisible bracket
      }
      i = end;
    }
  }
  return out;
}

bool one_brace_pair(std::string_view s) {
  if (s.size() < 2 || s.front() != '{' || s.back() != '}' || s[s.size() - 2] == '\\') return false;
  int depth = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\') ++i;
    else if (s[i] == '{') ++depth;
    else if (s[i] == '}' && --depth == 0) return i + 1 == s.size();
  }
  return false;
}

std::string_view without_borders(std::string_view s) {
  while (true) {
    s = trimmed(s);
    if (!s.empty() && s.back() == '.' && !(s.size() >= 2 && s[s.size() - 2] == '\\')) s.remove_suffix(1);
    else if (one_brace_pair(s)) s = s.substr(1, s.size() - 2);
    else return s;
  }
}

}  // namespace

std::string clean(std::string_view answer) {
  // A removal can join two pieces into a new command (`\le\!ft`), so until nothing changes; lengths never grow after the first turn.
  std::string text = with_unicode_replaced(answer);
  for (int turn = 0; turn < 4; ++turn) {
    std::string next(without_borders(with_commands_replaced(text)));
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace minke::grading
