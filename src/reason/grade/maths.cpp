#include "reason/grade/maths.h"

#include <charconv>
#include <numeric>

#include "reason/grade/extract.h"

namespace minke {

namespace {

struct Ratio {
  int64_t above, below;
};

std::string text_form(std::string_view s) {
  std::string out;
  bool blank = false;
  for (const char c : s) {
    if (c == '$' || c == ',') continue;
    if (c == ' ' || c == '\n' || c == '\t') {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  }
  while (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

std::optional<Ratio> ratio_of(const std::string& s) {
  int64_t above = 0, below = 1;
  const char *p = s.data(), *end = p + s.size();
  auto [q, error] = std::from_chars(p, end, above);
  if (error != std::errc() || above == INT64_MIN) return std::nullopt;
  if (q != end && *q == '/') {
    auto [r, error2] = std::from_chars(q + 1, end, below);
    if (error2 != std::errc() || below <= 0 || r != end) return std::nullopt;
  } else if (q != end) {
    return std::nullopt;
  }
  const int64_t g = std::gcd(above, below);
  return Ratio{above / g, below / g};
}

}  // namespace

Verdict grade_answer(std::string_view gold, std::string_view answer, GradeMode) {
  const std::string a = vote_key(gold), b = vote_key(answer);
  if (a.empty()) return {std::nullopt, "the gold does not parse"};
  return {a == b, "compared as a fraction or as text"};
}

std::string vote_key(std::string_view answer) {
  if (is_abstention(answer)) return "";
  const std::string s = text_form(answer);
  if (const auto r = ratio_of(s)) return std::to_string(r->above) + "/" + std::to_string(r->below);
  return s;
}

}  // namespace minke
