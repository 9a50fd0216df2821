#pragma once
// Inputs for the grader that no model would write on purpose: grammar, mutations of real answers, raw bytes.
#include <string>
#include <vector>

#include "base/rng.h"

namespace minke {

class AnswerFuzzer {
 public:
  AnswerFuzzer(std::vector<std::string> seeds, uint64_t seed) : seeds_(std::move(seeds)), rng_(seed) {}

  std::string next() {
    switch (rng_.below(8)) {
      case 0: return bytes();
      case 1:
      case 2: return mutated(pick_seed());
      case 3: return mutated(expression(int(rng_.below(6))));
      case 4: return nested();
      case 5: return tokens();
      default: return answer();
    }
  }

  // Half of the time an answer that has something to do with the gold.
  std::string answer_to(const std::string& gold) {
    switch (rng_.below(4)) {
      case 0: return gold;
      case 1: return mutated(gold);
      default: return next();
    }
  }

 private:
  std::string pick(const std::vector<const char*>& from) { return from[rng_.below(from.size())]; }
  const std::string& pick_seed() { return seeds_[rng_.below(seeds_.size())]; }

  std::string number() {
    switch (rng_.below(8)) {
      case 0: return std::to_string(rng_.bits64());
      case 1: return std::to_string(rng_.below(1000)) + "." + std::to_string(rng_.below(100'000));
      case 2: return std::to_string(rng_.below(1000)) + "," + std::to_string(100 + rng_.below(900));
      case 3: return std::string(rng_.below(60), char('0' + rng_.below(10))) + "7";
      case 4: return std::to_string(rng_.below(100)) + "e" + std::to_string(rng_.below(80));
      default: return std::to_string(rng_.below(20));
    }
  }

  std::string expression(int depth) {
    if (depth <= 0) return rng_.below(2) ? number() : pick({"x", "y", "n", "e", "i", "\\pi", "\\theta", "x_1", "\\infty", "a b", "kx", "52_8", "7 3/4", "1\\frac{1}{2}"});
    const auto sub = [&] { return expression(depth - 1 - int(rng_.below(2))); };
    switch (rng_.below(18)) {
      case 0: return sub() + "+" + sub();
      case 1: return sub() + "-" + sub();
      case 2: return sub() + pick({"*", "\\cdot ", " ", "/", "\\times "}) + sub();
      case 3: return "\\frac{" + sub() + "}{" + sub() + "}";
      case 4: return "\\sqrt{" + sub() + "}";
      case 5: return "\\sqrt[" + number() + "]{" + sub() + "}";
      case 6: return "(" + sub() + ")^{" + sub() + "}";
      case 7: return sub() + "^" + number();
      case 8: return pick({"\\sin", "\\cos ", "\\tan", "\\cot ", "\\ln", "\\log_2 ", "\\exp", "\\arcsin", "\\arctan", "\\csc"}) + "(" + sub() + ")";
      case 9: return "|" + sub() + "|";
      case 10: return "(" + sub() + ")!";
      case 11: return "\\binom{" + sub() + "}{" + sub() + "}";
      case 12: return "\\lfloor " + sub() + "\\rfloor";
      case 13: return "-" + sub();
      case 14: return "\\left(" + sub() + "\\right)";
      case 15: return sub() + "\\pm " + sub();
      case 16: return "{" + sub() + "}";
      default: return "(" + sub() + ")(" + sub() + ")";
    }
  }

  std::string answer() {
    const auto e = [&] { return expression(int(rng_.below(4))); };
    switch (rng_.below(16)) {
      case 0: return "(" + e() + "," + e() + ")";
      case 1: return "[" + e() + "," + e() + ")";
      case 2: return "(" + e() + "," + e() + "] \\cup [" + e() + "," + e() + ")";
      case 3: return "\\{" + e() + "," + e() + "," + e() + "\\}";
      case 4: return e() + pick({"=", "<", "\\le ", ">", "\\neq "}) + e();
      case 5: return e() + "<" + pick({"x", "y"}) + "\\le " + e();
      case 6: return "\\begin{pmatrix}" + e() + "&" + e() + "\\\\" + e() + "&" + e() + "\\end{pmatrix}";
      case 7: return e() + pick({" cm", "\\text{ cm}^2", "^\\circ", "\\%", " miles per hour", "\\text{ dollars}", " boxes"});
      case 8: return e() + pick({",", " or ", "\\text{ and }", ";"}) + e();
      case 9: return "x=" + e() + "=" + e();
      case 10: return "\\text{" + pick({"yes", "Evelyn", "(C)", "east", "three apples"}) + "}";
      case 11: return e() + ":" + e();
      default: return expression(int(rng_.below(7)));
    }
  }

  std::string nested() {
    static const std::vector<std::pair<std::string, std::string>> kPairs = {
        {"(", ")"}, {"{", "}"}, {"\\sqrt{", "}"}, {"\\frac{1}{", "}"}, {"\\{", "\\}"}, {"2^{", "}"}, {"|", "|"}, {"\\sin(", ")"}, {"-", ""}, {"\\text{", "}"}, {"[", ","}, {"\\boxed{", "}"}, {"", "!"}, {"", "^2"}, {"\\ln ", ""}};
    const auto& pair = kPairs[rng_.below(kPairs.size())];
    const uint64_t n = rng_.below(120);
    std::string left, right;
    for (uint64_t k = 0; k < n; ++k) left += pair.first, right += pair.second;
    return left + number() + right;
  }

  std::string tokens() {
    std::string out;
    for (uint64_t n = rng_.below(40); n > 0; --n)
      out += pick({"1", "23", "x", "+", "-", "^", "_", "{", "}", "(", ")", "[", "]", "\\{", "\\}", "\\frac", "\\sqrt", "\\left", "\\right", ",", ".", "=", "<", "|", "!", "%", "\\%", "$", "\\$",
                   " ", "\\pm", "\\cup", "\\in", "\\infty", "\\pi", "\\text{", "cm", "^\\circ", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\sin", "\\log", "or", ":", ";", "'", "√", "½",
                   "\\!", "\\,", "{,}", "e", "i", "\\", "0", "/", "*", "**", "1,000", "?", "\\boxed{", "π"});
    return out;
  }

  std::string bytes() {
    std::string out;
    for (uint64_t n = rng_.below(rng_.below(20) == 0 ? 1200 : 60); n > 0; --n) out += char(rng_.below(256));
    return out;
  }

  std::string mutated(std::string s) {
    for (uint64_t n = 1 + rng_.below(4); n > 0; --n) {
      const size_t at = s.empty() ? 0 : rng_.below(s.size());
      switch (rng_.below(6)) {
        case 0: s.insert(at, 1, char(32 + rng_.below(96))); break;
        case 1:
          if (!s.empty()) s.erase(at, 1 + rng_.below(3));
          break;
        case 2:
          if (!s.empty()) s[at] = char(rng_.below(256));
          break;
        case 3: s.insert(at, s.substr(0, rng_.below(40))); break;
        case 4: s = s.substr(at) + s.substr(0, at); break;
        default: {
          const std::string& other = pick_seed();
          s = s.substr(0, at) + other.substr(other.size() / 2);
        }
      }
    }
    return s;
  }

  std::vector<std::string> seeds_;
  Rng rng_;
};

}  // namespace minke
