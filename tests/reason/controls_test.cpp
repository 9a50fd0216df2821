// What a policy could learn instead of solving problems must not pay: constants, the form without an answer, pieces of the question.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "reason/checkers.h"
#include "reason/judge.h"

namespace minke {
namespace {

constexpr int kProblems = 1000;

std::vector<Problem> problems_of(const Family& family) {
  std::vector<Problem> problems;
  for (uint64_t i = 0; i < kProblems; ++i) problems.push_back(draw_problem(family, 0, Split::kTrain, 31, i));
  return problems;
}

bool right(const Problem& p, const std::string& completion) {
  return judge(p, completion, GradeMode::kStrict).outcome == Outcome::kRight;
}
std::string boxed(const std::string& answer) { return "</think>\\boxed{" + answer + "}"; }

// A constant is right exactly where it happens to be the gold, so its luck is about the share of the most frequent gold at most (twice
// that: units-b6 has 1/2 and 50%, one value in two golds). Short programs
// of registers-b5 end in 0 or in a number they began with more often than other families do.
TEST(Controls, ConstantAnswersPayTheirLuckAndNoMore) {
  for (const Family& family : families()) {
    const auto problems = problems_of(family);
    std::map<std::string, int> golds;
    for (const Problem& p : problems) ++golds[p.gold];
    int most = 0;
    for (const auto& [gold, count] : golds) most = std::max(most, count);
    for (const char* constant : {"0", "1", "2", "10", "42", "96", "1/2", "x", "1 + 2", "\\infty", "1 = 2", "1, 2, 3", "x = x", "\\emptyset",
                                 "yes", "-1"}) {
      int lucky = 0;
      for (const Problem& p : problems) {
        const bool won = right(p, boxed(constant));
        lucky += won;
        EXPECT_TRUE(!won || check::right(p, constant) || p.family == "units-b6") << family.name << " " << p.prompt << " " << constant;
      }
      EXPECT_LE(lucky, 2 * most) << family.name << " answers " << constant;
      if (std::string(family.name).starts_with("countdown")) {
        EXPECT_LE(lucky, 2) << constant << " solves the problem of 1, 2 and 3 only";
      }
    }
    std::printf("%-15s the most frequent gold: %.1f%%\n", family.name, 100.0 * most / kProblems);
    EXPECT_LE(most, family.name == std::string("registers-b5") ? 150 : 100) << family.name;
  }
}

TEST(Controls, FormWithoutAnAnswerPaysNothing) {
  for (const Family& family : families())
    for (const Problem& p : problems_of(family))
      for (const char* form : {"", "<think>\n</think>", "</think>\\boxed{}", "</think>\\boxed{ }", "<think>\nso</think>The answer is \\boxed{}.",
                               "</think><answer></answer>", "</think>\\boxed{...}", "</think>\\boxed{ANSWER}", "</think>\\boxed{\\boxed{}}"})
        if (right(p, form)) FAIL() << family.name << " " << form;
}

TEST(Controls, AnswersWithoutTheFormPayNothing) {
  for (const Family& family : families())
    for (const Problem& p : problems_of(family))
      for (const std::string& text : {p.gold, "\\boxed{" + p.gold + "}", "\\boxed{" + p.gold + "}</think>", "</think>" + p.gold,
                                      "</think></think>\\boxed{" + p.gold + "}"})
        if (right(p, text)) FAIL() << family.name << " " << text;
}

// The question itself, its parts and its numbers. Where a copy is right, the number in the question is the answer, as in
// `x=3; y=5; ? x`: an independent checker has to agree, and it must be rare.
TEST(Controls, CopiesOfTheQuestionPayNothing) {
  for (const Family& family : families()) {
    int lucky[2] = {}, count = 0;
    for (const Problem& p : problems_of(family)) {
      ++count;
      std::string numbers;
      for (const int64_t n : check::numbers_in(p.prompt)) numbers += (numbers.empty() ? "" : ", ") + std::to_string(n);
      std::vector<std::string> parts = {p.prompt, numbers, p.canonical_key};
      for (const char* verb : {"What is ", "Compute ", "Solve ", "How many "})
        if (const size_t n = std::string(verb).size(); p.prompt.starts_with(verb)) parts.push_back(p.prompt.substr(n, p.prompt.size() - n - 1));
      const size_t open = p.prompt.find('('), close = p.prompt.rfind(')');
      if (open < close && close != std::string::npos) parts.push_back(p.prompt.substr(open, close - open + 1));
      for (const std::string& part : parts)
        if (right(p, boxed(part))) {
          EXPECT_TRUE(p.family == "equations-b4" || check::right(p, part)) << p.family << ": " << p.prompt << " pays for " << part;
          ++lucky[0];
        }
      const auto given = check::numbers_in(p.prompt);
      const std::string first = std::to_string(given.front()), last = std::to_string(given.back());
      for (const std::string& number : {first, last}) {
        const bool won = right(p, boxed(number));
        EXPECT_TRUE(!won || check::right(p, number) || check::right(p, number + "%")) << p.prompt << " " << number;
        lucky[1] += won;
      }
    }
    EXPECT_LE(lucky[0], 10) << family.name << ": solved equations such as x = 5, programs of one number";
    EXPECT_LE(lucky[1], 2 * count / 10) << family.name;
    std::printf("%-15s copied parts right %d, copied numbers right %.1f%%\n", family.name, lucky[0], 50.0 * lucky[1] / count);
  }
}

}  // namespace
}  // namespace minke
