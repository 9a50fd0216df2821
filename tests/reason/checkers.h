#pragma once
// Answers worked out a second time, from the wording of a problem alone, by other code than the generators'.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "reason/tasks/task.h"
#include "reason/words_checker.h"

namespace minke::check {

struct Ratio {
  int64_t n = 0, d = 1;
};
inline Ratio make(int64_t n, int64_t d) {
  const int64_t g = std::gcd(n, d) ? std::gcd(n, d) : 1;
  return d < 0 ? Ratio{-n / g, -d / g} : Ratio{n / g, d / g};
}
inline bool operator==(Ratio a, Ratio b) { return a.n * b.d == b.n * a.d; }

// Exact value of digits, + - * / and parentheses; collects the numbers used. nullopt: malformed or a division by zero.
class Expression {
 public:
  Expression(const std::string& text, std::vector<int64_t>* used) : used_(used) {
    for (const char c : text)
      if (c != ' ') text_ += c;
  }
  std::optional<Ratio> value() {
    auto v = sum();
    return ok_ && at_ == text_.size() ? std::optional(v) : std::nullopt;
  }

 private:
  Ratio sum() {
    Ratio v = product();
    while (ok_ && (peek() == '+' || peek() == '-')) {
      const bool add = text_[at_++] == '+';
      const Ratio w = product();
      v = make(add ? v.n * w.d + w.n * v.d : v.n * w.d - w.n * v.d, v.d * w.d);
    }
    return v;
  }
  Ratio product() {
    Ratio v = atom();
    while (ok_ && (peek() == '*' || peek() == '/')) {
      const bool times = text_[at_++] == '*';
      const Ratio w = atom();
      if (!times && w.n == 0) return fail();
      v = times ? make(v.n * w.n, v.d * w.d) : make(v.n * w.d, v.d * w.n);
    }
    return v;
  }
  Ratio atom() {
    if (peek() == '(') {
      ++at_;
      const Ratio v = sum();
      if (peek() != ')') return fail();
      ++at_;
      return v;
    }
    if (!std::isdigit(static_cast<unsigned char>(peek()))) return fail();
    int64_t n = 0;
    while (std::isdigit(static_cast<unsigned char>(peek()))) n = n * 10 + (text_[at_++] - '0');
    if (used_) used_->push_back(n);
    return {n, 1};
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ratio fail() {
    ok_ = false;
    return {};
  }
  std::string text_;
  size_t at_ = 0;
  bool ok_ = true;
  std::vector<int64_t>* used_;
};

inline std::vector<int64_t> numbers_in(const std::string& text) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < text.size();) {
    if (!std::isdigit(static_cast<unsigned char>(text[i]))) {
      ++i;
      continue;
    }
    int64_t n = 0;
    while (i < text.size() && std::isdigit(static_cast<unsigned char>(text[i]))) n = n * 10 + (text[i++] - '0');
    numbers.push_back(n);
  }
  return numbers;
}

inline bool countdown(const std::string& prompt, const std::string& answer) {
  std::vector<int64_t> given = numbers_in(prompt), used;
  const int64_t target = given.back();
  given.pop_back();
  const auto value = Expression(answer, &used).value();
  std::sort(given.begin(), given.end());
  std::sort(used.begin(), used.end());
  return value && *value == Ratio{target, 1} && given == used;
}

inline Ratio ratio_of(const std::string& text) {
  long long n = 0, d = 1;
  std::sscanf(text.c_str(), "%lld/%lld", &n, &d);
  return make(n, d);
}

// "3x - 5" as {3, -5}.
inline std::pair<int64_t, int64_t> linear(std::string text) {
  std::erase(text, ' ');
  int64_t a = 0, b = 0, sign = 1, n = 0;
  bool digits = false, x = false;
  const auto close = [&] {
    if (x) a += sign * (digits ? n : 1);
    else if (digits) b += sign * n;
    n = 0, digits = x = false;
  };
  for (const char c : text) {
    if (c == '+' || c == '-') {
      close();
      sign = c == '-' ? -1 : 1;
    } else if (c == 'x') {
      x = true;
    } else {
      digits = true, n = n * 10 + (c - '0');
    }
  }
  close();
  return {a, b};
}

inline int64_t run_registers(const std::string& prompt) {
  std::map<char, int64_t> reg;
  std::istringstream in(prompt);
  std::string line;
  while (std::getline(in, line, ';')) {
    std::erase(line, ' ');
    if (line[0] == '?') return reg.at(line[1]);
    std::string right = line.substr(2);
    const auto read = [&](const std::string& s) { return std::isalpha(static_cast<unsigned char>(s[0])) ? reg.at(s[0]) : std::atoll(s.c_str()); };
    const size_t op = right.find_first_of("+-*");
    if (op == std::string::npos) {
      reg[line[0]] = read(right);
      continue;
    }
    const int64_t p = read(right.substr(0, op)), q = read(right.substr(op + 1));
    reg[line[0]] = right[op] == '+' ? p + q : right[op] == '-' ? p - q : p * q;
  }
  return INT64_MIN;
}

inline bool units(const std::string& prompt, const std::string& answer) {
  long long p, q, r, s;
  char op, large[16], small[16], unit[16];
  double amount, value;
  if (std::sscanf(prompt.c_str(), "What is %lld%% of %lld?", &p, &q) == 2) return std::abs(std::atof(answer.c_str()) - double(p * q) / 100) < 1e-9;
  if (std::sscanf(prompt.c_str(), "What is %lld/%lld %c %lld/%lld?", &p, &q, &op, &r, &s) == 5)
    return ratio_of(answer) == make(op == '+' ? p * s + r * q : p * s - r * q, q * s);
  if (std::sscanf(prompt.c_str(), "What percentage of %lld is %lld?", &p, &q) == 2) return answer.back() == '%' && std::atoll(answer.c_str()) * p == 100 * q;
  if (std::sscanf(prompt.c_str(), "How many %15s are %lf %15[a-z]?", small, &amount, large) != 3) return false;
  static const std::map<std::string, double> kSize = {{"km", 1000}, {"m", 1}, {"cm", 0.01}, {"kg", 1000}, {"g", 1}, {"l", 1000}, {"ml", 1},
                                                      {"days", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
  return std::sscanf(answer.c_str(), "%lf %15s", &value, unit) == 2 && std::string(unit) == small &&
         std::abs(value * kSize.at(small) - amount * kSize.at(large)) < 1e-6 * (1 + value * kSize.at(small));
}

// Is `answer` right for the problem as worded?
inline bool right(const Problem& p, const std::string& answer) {
  long long a, b;
  char op;
  if (p.family.starts_with("countdown")) return countdown(p.prompt, answer);
  if (p.family == "digits-b1" || p.family == "products-b2") {
    if (std::sscanf(p.prompt.c_str(), "What is %lld %c %lld?", &a, &op, &b) != 3) return false;
    return answer == std::to_string(op == '+' ? a + b : op == '-' ? a - b : a * b);
  }
  if (p.family == "expressions-b3" || p.family == "puzzle" || p.family == "signs-b7") {
    const size_t from = p.prompt.find('('), to = p.prompt.rfind(')');
    char hash = '*', ampersand = '-';  // the puzzle's rule
    if (const size_t said = p.prompt.find("with # for "); said != std::string::npos) hash = p.prompt[said + 11], ampersand = p.prompt[said + 23];
    std::string plain = p.prompt.substr(from, to - from + 1);
    for (char& c : plain) c = c == '#' ? hash : c == '&' ? ampersand : c;
    const auto value = Expression(plain, nullptr).value();
    return value && value->d == 1 && answer == std::to_string((value->n % 97 + 97) % 97);
  }
  if (p.family == "equations-b4") {
    const size_t equals = p.prompt.find('=');
    const auto [l, m] = linear(p.prompt.substr(6, equals - 6));
    const auto [r, s] = linear(p.prompt.substr(equals + 1, p.prompt.size() - equals - 2));
    const Ratio x = ratio_of(answer);
    return l != r && l * x.n + m * x.d == r * x.n + s * x.d;
  }
  if (p.family == "words") {
    const int wording = wording_of(p.prompt);
    return wording >= 0 && answer == std::to_string(kWordings[wording].answer(numbers_in(p.prompt)));
  }
  if (p.family == "registers-b5") return answer == std::to_string(run_registers(p.prompt));
  return p.family == "units-b6" && units(p.prompt, answer);
}

}  // namespace minke::check
