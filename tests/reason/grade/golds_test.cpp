// Every gold of GSM8K and MATH-500: right against itself and against other spellings, wrong against the next problem's answer and
// against perturbed ones.
#include <gtest/gtest.h>

#include "reason/grade/data.h"

namespace minke {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string replaced(std::string s, const std::string& from, const std::string& to) {
  for (size_t at = s.find(from); at != s.npos; at = s.find(from, at + to.size())) s.replace(at, from.size(), to);
  return s;
}

std::string without_commas(const std::string& s) { return replaced(s, ",", ""); }

std::string with_commas(std::string s) {
  const size_t first = s.starts_with('-') ? 1 : 0;
  for (size_t at = s.size(); at > first + 3;) s.insert(at -= 3, ",");
  return s;
}

// Right for any gold, in both modes: cleaning alone undoes them.
std::vector<std::string> wrapped(const std::string& g) {
  return {"$" + g + "$", "\\(" + g + "\\)", "{" + g + "}", " " + g + " ", g + ".", "\\displaystyle " + g, "\\boxed{" + g + "}", replaced(g, "\\frac", "\\dfrac"), "\\," + g};
}

std::vector<std::string> integer_spellings(const std::string& n) {
  const std::string sign = n.starts_with('-') ? "-" : "", digits = n.substr(sign.size());
  return {n + ".0", n + ".00", with_commas(n), replaced(with_commas(n), ",", "{,}"), replaced(with_commas(n), ",", ",\\!"), sign + "0" + digits, "x = " + n,
          "\\text{" + n + "}", n + "\\text{ dollars}", sign + "\\$" + with_commas(digits), n + " miles", n + "\\%"};
}

std::vector<std::string> integer_works(const std::string& n) {  // equal, but not written as a number
  return {"\\frac{" + n + "0}{10}", n + "/1", n + "+0", "1 \\cdot " + (n.starts_with('-') ? "(" + n + ")" : n), "\\sqrt{1}\\cdot(" + n + ")"};
}

TEST(Golds, Gsm8k) {
  const auto golds = lines_of("gsm8k_golds.txt");
  ASSERT_EQ(golds.size(), 7473u + 1319u);
  for (size_t k = 0; k < golds.size(); ++k) {
    const std::string& gold = golds[k];
    const std::string n = without_commas(gold);
    std::vector<std::string> right = wrapped(gold), work = integer_works(n);
    const auto spellings = integer_spellings(n);
    right.insert(right.end(), spellings.begin(), spellings.end());
    right.push_back(gold), right.push_back(n);
    for (const std::string& a : right)
      for (const GradeMode mode : {GradeMode::kStrict, GradeMode::kLenient}) {
        const Verdict v = grade_answer(gold, a, mode);
        ASSERT_EQ(v.equal, true) << gold << " against " << a << ": " << v.why;
      }
    for (const std::string& a : work) {
      ASSERT_EQ(grade_answer(gold, a, GradeMode::kLenient).equal, true) << gold << " against " << a;
      ASSERT_EQ(grade_answer(gold, a, GradeMode::kStrict).equal, false) << gold << " against " << a;
    }
    const int64_t value = std::stoll(n);
    std::vector<std::string> wrong = {std::to_string(value + 1), std::to_string(value - 1), n + "1", n + ".5", n + "x", n + "," + std::to_string(value + 1),
                                      n + " or " + std::to_string(value + 2), "\\frac{" + n + "}{7}+1", std::to_string(value + 1) + "\\%"};
    if (value != 0) wrong.push_back(std::to_string(-value)), wrong.push_back(n + "0");
    const std::string& next = golds[(k + 1) % golds.size()];
    if (without_commas(next) != n) wrong.push_back(next);
    for (const std::string& a : wrong)
      for (const GradeMode mode : {GradeMode::kStrict, GradeMode::kLenient}) {
        const Verdict v = grade_answer(gold, a, mode);
        ASSERT_EQ(v.equal, false) << gold << " against " << a << ": " << v.why;
      }
  }
}

// One digit after another changed; for a gold without digits something else is added.
std::vector<std::string> perturbed(const std::string& gold) {
  std::vector<std::string> out;
  for (size_t at = 0; at < gold.size(); ++at)
    if (digit(gold[at])) {
      std::string other = gold;
      other[at] = char('0' + (gold[at] - '0' + 3) % 10);
      out.push_back(other);
    }
  out.push_back(gold + "2");
  if (gold.find("\\text") == gold.npos) out.push_back("2 + " + gold);
  return out;
}

TEST(Golds, Math500) {
  const auto golds = lines_of("math500_golds.txt");
  ASSERT_EQ(golds.size(), 500u);
  int perturbations = 0;
  for (size_t k = 0; k < golds.size(); ++k) {
    const std::string& gold = golds[k];
    std::vector<std::string> right = wrapped(gold);
    right.push_back(gold);
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\\left", ""}, {"\\pi", "π"}, {"\\frac", "\\tfrac"}, {" ", "  "}, {"\\infty", "∞"}, {"\\cup", "∪"}, {"pmatrix", "bmatrix"}, {"\\pm", "±"}, {"^\\circ", "°"},
             {"\\mbox", "\\text"}, {"-", "−"}, {"\\text{", "\\mathrm{"}, {"(", "\\left("}})
      if (to != "" || gold.find("\\right") == gold.npos) right.push_back(from == "(" && gold.find("\\left(") != gold.npos ? gold : replaced(gold, from, to));
    right.push_back(replaced(replaced(gold, "\\left", ""), "\\right", ""));
    for (const std::string& a : right)
      for (const GradeMode mode : {GradeMode::kStrict, GradeMode::kLenient}) {
        const Verdict v = grade_answer(gold, a, mode);
        ASSERT_EQ(v.equal, true) << gold << " against " << a << ": " << v.why;
      }
    std::vector<std::string> wrong = perturbed(gold);
    perturbations += int(wrong.size());
    const std::string& next = golds[(k + 1) % golds.size()];
    if (vote_key(next) != vote_key(gold)) wrong.push_back(next);
    for (const std::string& a : wrong)
      for (const GradeMode mode : {GradeMode::kStrict, GradeMode::kLenient}) {
        const Verdict v = grade_answer(gold, a, mode);
        EXPECT_EQ(v.equal, false) << gold << " against " << a << ": " << v.why;
      }
  }
  EXPECT_GT(perturbations, 1500);
}

}  // namespace
}  // namespace minke
