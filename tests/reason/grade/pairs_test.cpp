// The table of pairs, and the properties that hold for all of them.
#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"
#include "reason/grade/clean.h"
#include "reason/grade/data.h"

namespace minke {
namespace {

constexpr GradeMode kModes[] = {GradeMode::kLenient, GradeMode::kStrict};

TEST(Pairs, VerdictsOfTheTable) {
  const auto pairs = golden_pairs();
  EXPECT_GE(pairs.size(), 500u);
  for (const GoldenPair& p : pairs)
    for (const GradeMode mode : kModes) {
      const auto& expected = mode == GradeMode::kLenient ? p.lenient : p.strict;
      const Verdict v = grade_answer(p.gold, p.answer, mode);
      EXPECT_EQ(v.equal, expected) << p.rule << ", " << (mode == GradeMode::kLenient ? "lenient" : "strict") << ": " << p.gold << " against " << p.answer << ": "
                                   << shown(v.equal) << ", " << v.why;
      EXPECT_FALSE(v.why.empty());
    }
}

TEST(Pairs, EveryRuleHasPairsOfBothKinds) {
  std::set<std::pair<std::string, bool>> kinds;
  std::set<std::string> rules;
  for (const GoldenPair& p : golden_pairs()) {
    rules.insert(p.rule);
    if (p.lenient) kinds.insert({p.rule, *p.lenient});
  }
  EXPECT_EQ(kinds.size(), 2 * rules.size());
}

TEST(Pairs, StrictNeverTakesWhatLenientRefuses) {
  for (const GoldenPair& p : golden_pairs())
    if (grade_answer(p.gold, p.answer, GradeMode::kStrict).equal == true) {
      EXPECT_EQ(grade_answer(p.gold, p.answer, GradeMode::kLenient).equal, true) << p.gold << " against " << p.answer;
    }
}

TEST(Pairs, Reflexive) {
  for (const GoldenPair& p : golden_pairs())
    for (const std::string& x : {p.gold, p.answer})
      for (const GradeMode mode : kModes) {
        const Verdict v = grade_answer(x, x, mode);
        if (!v.equal) continue;
        // Strict takes no unreduced fraction, not even for itself.
        if (mode == GradeMode::kLenient) {
          EXPECT_TRUE(*v.equal) << x << ": " << v.why;
        }
      }
}

// Rows 4, 7 and 13 have a direction, and so have thousands in brackets (the gold's shape decides), repairs and units (an answer is
// mended, a gold is not) and choices.
TEST(Pairs, Symmetric) {
  const std::set<std::string> directed = {"03 shorthand", "04 assignment", "05 thousands", "06 units", "07 per cent", "13 tuples, intervals, sets", "16 choices"};
  int tried = 0;
  for (const GoldenPair& p : golden_pairs()) {
    if (directed.contains(p.rule)) continue;
    const Verdict there = grade_answer(p.gold, p.answer, GradeMode::kLenient), back = grade_answer(p.answer, p.gold, GradeMode::kLenient);
    if (!there.equal || !back.equal) continue;
    EXPECT_EQ(there.equal, back.equal) << p.gold << " against " << p.answer << ": " << there.why << ", back: " << back.why;
    ++tried;
  }
  EXPECT_GT(tried, 250);
  const auto golds = lines_of("math500_golds.txt");
  Rng rng(11);
  for (int n = 0; n < 20'000; ++n) {
    const std::string &a = golds[rng.below(golds.size())], &b = golds[rng.below(golds.size())];
    if ((a + b).find('=') != std::string::npos || (a + b).find('%') != std::string::npos) continue;
    EXPECT_EQ(grade_answer(a, b, GradeMode::kLenient).equal, grade_answer(b, a, GradeMode::kLenient).equal) << a << " against " << b;
  }
}

TEST(Pairs, CleaningChangesNoVerdict) {
  for (const GoldenPair& p : golden_pairs()) {
    const std::string gold = grading::clean(p.gold), answer = grading::clean(p.answer);
    EXPECT_EQ(grading::clean(gold), gold) << p.gold;
    EXPECT_EQ(grading::clean(answer), answer) << p.answer;
    for (const GradeMode mode : kModes) {
      const Verdict raw = grade_answer(p.gold, p.answer, mode), cleaned = grade_answer(gold, answer, mode);
      EXPECT_EQ(raw.equal, cleaned.equal) << p.gold << " against " << p.answer << ": " << raw.why << ", cleaned: " << cleaned.why;
    }
  }
}

TEST(VoteKey, EqualAnswersHaveEqualKeys) {
  const std::vector<std::vector<const char*>> classes = {
      {"1/2", "\\frac{1}{2}", "0.5", ".50", "2/4", "x = 1/2", "$\\dfrac12$"},
      {"1000", "1,000", "1000.0", "x=1000", "1000 dollars", "\\$1,000"},
      {"-3", "- 3", "\\frac{-6}{2}"},
      {"\\sqrt{8}", "2\\sqrt2", "\\sqrt{2}\\cdot 2"},
      {"2", "\\sqrt{4}", "2.0", "(\\sqrt{2})^2", "\\log_2 4"},
      {"red", "Red", "\\text{RED}"},
      {"red and blue", "blue, red", "\\text{Blue and red}"},
      {"\\pi/2", "\\frac{\\pi}{2}"},
      {"(x+1)^2", "x^2+2x+1", "1 + 2x + x^2"},
      {"x+1", "1+x"},
      {"1,-2", "-2, 1", "\\{1,-2\\}", "x=1 or x=-2"},
      {"(1,-2)", "( 1, -2 )"},
      {"y=2x+3", "2x+3", "y = 3 + 2x"},
      {"x^2+y^2=25", "25 = x^2+y^2", "2x^2+2y^2=50"},
      {"x > 2", "(2,\\infty)", "2 < x"},
      {"(0,1)\\cup(2,3)", "(2,3)\\cup(0,1)"},
      {"Monday", "\\text{monday}", "MONDAY."},
      {"(B)", "B", "\\text{(B)}"},
      {"52_8", "52_{8}"},
      {"6-5i", "-5i+6"},
  };
  std::set<std::string> all;
  for (const auto& row : classes) {
    const std::string key = vote_key(row[0]);
    EXPECT_NE(key, "") << row[0];
    EXPECT_TRUE(all.insert(key).second) << row[0] << " shares the key " << key;
    for (const char* answer : row) EXPECT_EQ(vote_key(answer), key) << answer;
  }
  for (const char* unusable : {"", " ", "$$", "?", "\\text{?}", "\\frac{1}{", "9^{9^{9}}", "1/0"}) EXPECT_EQ(vote_key(unusable), "") << unusable;
}

// Keys never join what the grader tells apart, on the golds of MATH-500.
TEST(VoteKey, DifferentAnswersHaveDifferentKeys) {
  std::map<std::string, std::string> seen;
  for (const std::string& gold : lines_of("math500_golds.txt")) {
    const std::string key = vote_key(gold);
    ASSERT_NE(key, "") << gold;
    const auto [other, fresh] = seen.emplace(key, gold);
    if (!fresh) {
      EXPECT_EQ(grade_answer(gold, other->second, GradeMode::kLenient).equal, true) << gold << " and " << other->second << " share " << key;
    }
  }
}

}  // namespace
}  // namespace minke
