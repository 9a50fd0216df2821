#include "reason/grade/text.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

#include "base/unicode_text.h"

namespace minke::grading {

namespace {

bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// \text{...} gives its content; nothing where braces are left over.
std::optional<std::string> without_wrappers(std::string_view s) {
  std::string out;
  int depth = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s.substr(i).starts_with("\\text{")) {
      ++depth, i += 5;
    } else if (s[i] == '}') {
      if (--depth < 0) return std::nullopt;
    } else if (s[i] == '\\' && i + 1 < s.size() && std::string_view("$%&#_ ").find(s[i + 1]) != std::string_view::npos) {
      out += s[++i];
    } else {
      out += s[i];
    }
  }
  if (depth != 0) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> text_of(std::string_view cleaned) {
  const auto plain = without_wrappers(cleaned);
  if (!plain || plain->find_first_of("\\{}^") != std::string::npos) return std::nullopt;
  const bool wrapped = plain->size() != cleaned.size();
  std::string out;
  bool blank = false, word = false;
  for (const char c : comparable_text(*plain)) {
    if (std::isspace(static_cast<unsigned char>(c))) {
      blank = true;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    word |= static_cast<unsigned char>(c) >= 128 || (letter(c) && (wrapped || (!out.empty() && letter(out.back()))));
    out += c;
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ',' || out.back() == ' ')) out.pop_back();
  if (!word || out.empty()) return std::nullopt;
  return out;
}

std::string sorted_parts(const std::string& text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size();) {
    size_t skip = 0;
    for (const std::string_view mark : {", and ", ", or ", ", ", ",", "; ", " and ", " or "})
      if (skip == 0 && std::string_view(text).substr(i).starts_with(mark)) skip = mark.size();
    if (skip) parts.emplace_back();
    else parts.back() += text[i];
    i += skip ? skip : 1;
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

char choice_of(std::string_view cleaned) {
  const auto plain = without_wrappers(cleaned);
  if (!plain) return 0;
  std::string_view s = trimmed(*plain);
  const auto ends = [&](char c) { return !s.empty() && s.back() == c; };
  if (ends('.') || ends(':')) s = trimmed(s.substr(0, s.size() - 1));
  if (ends(')') || ends(']')) {
    const char open = s.back() == ')' ? '(' : '[';
    s.remove_suffix(1);
    if (s.starts_with(open)) s.remove_prefix(1);
  }
  s = trimmed(s);
  return s.size() == 1 && s[0] >= 'A' && s[0] <= 'H' ? s[0] : '\0';
}

bool all_letters(std::string_view cleaned) {
  if (cleaned.size() < 2) return false;
  for (const char c : cleaned)
    if (!letter(c)) return false;
  return true;
}

// A suffix automaton counts the distinct substrings in linear time.
bool repetitive(std::string_view text) {
  struct State {
    size_t length = 0;
    int link = -1;
    std::map<char, int> next;
  };
  std::vector<State> states(1);
  int last = 0;
  for (const char c : text) {
    const int now = int(states.size());
    states.push_back({states[size_t(last)].length + 1, 0, {}});
    int p = last;
    while (p >= 0 && !states[size_t(p)].next.contains(c)) states[size_t(p)].next[c] = now, p = states[size_t(p)].link;
    if (p >= 0) {
      const int q = states[size_t(p)].next[c];
      if (states[size_t(p)].length + 1 == states[size_t(q)].length) {
        states[size_t(now)].link = q;
      } else {
        const int copy = int(states.size());
        states.push_back(states[size_t(q)]);
        states[size_t(copy)].length = states[size_t(p)].length + 1;
        while (p >= 0 && states[size_t(p)].next[c] == q) states[size_t(p)].next[c] = copy, p = states[size_t(p)].link;
        states[size_t(q)].link = states[size_t(now)].link = copy;
      }
    }
    last = now;
  }
  double distinct = 0;
  for (size_t k = 1; k < states.size(); ++k) distinct += double(states[k].length - states[size_t(states[k].link)].length);
  const double n = double(text.size());
  return n > 1 && 1 - distinct / (n * (n + 1) / 2) > 0.2;
}

}  // namespace minke::grading
