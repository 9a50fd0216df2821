// Fuzzed golds and answers: no crash, no hang, no step beyond the budget, and a parsed gold is right against itself.
// MINKE_FUZZ_INPUTS and MINKE_FUZZ_SEED set how many and which (tools/full/fuzz_grader.sh).
#include "reason/grade/fuzz.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "reason/grade/data.h"
#include "reason/grade/extract.h"
#include "reason/grade/steps.h"

namespace minke {
namespace {

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out += c >= 32 && c < 127 ? c : '.';
  return out;
}

TEST(Fuzz, Grader) {
  const int64_t inputs = setting("MINKE_FUZZ_INPUTS", 20'000);
  std::vector<std::string> seeds = lines_of("math500_golds.txt");
  for (const GoldenPair& p : golden_pairs()) seeds.push_back(p.gold), seeds.push_back(p.answer);
  AnswerFuzzer fuzzer(seeds, uint64_t(setting("MINKE_FUZZ_SEED", 1)));
  const auto start = std::chrono::steady_clock::now();
  int64_t verdicts[3] = {}, worst_steps = 0, keys = 0;
  double worst_s = 0;
  std::string worst, slowest;
  for (int64_t n = 0; n < inputs; ++n) {
    const std::string gold = fuzzer.next(), answer = fuzzer.answer_to(gold);
    const GradeMode mode = n % 2 ? GradeMode::kStrict : GradeMode::kLenient;
    const auto before = std::chrono::steady_clock::now();
    const Verdict v = grade_answer(gold, answer, mode);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    if (seconds > worst_s) worst_s = seconds, slowest = gold + "  against  " + answer;
    if (grading::StepBudget::spent() > worst_steps) worst_steps = grading::StepBudget::spent(), worst = gold + "  against  " + answer;
    ++verdicts[v.equal ? *v.equal : 2];
    if (n % 8 == 0) {
      const std::string key = vote_key(answer);
      keys += !key.empty();
      const Extracted e = extract_answer("<think>" + answer + "</think>\\boxed{" + gold + "}");
      ASSERT_FALSE(e.why.empty());
      const Verdict self = grade_answer(gold, gold, GradeMode::kLenient);
      if (self.equal) {
        ASSERT_TRUE(*self.equal) << gold << ": " << self.why;
      }
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("fuzz: %lld inputs in %.1f s: %lld equal, %lld different, %lld golds that do not parse, %lld vote keys\n", static_cast<long long>(inputs), seconds,
              static_cast<long long>(verdicts[1]), static_cast<long long>(verdicts[0]), static_cast<long long>(verdicts[2]), static_cast<long long>(keys));
  std::printf("fuzz: most steps %lld of %lld: %s\nfuzz: slowest %.1f ms: %s\n", static_cast<long long>(worst_steps), static_cast<long long>(grading::kMaxSteps), printable(worst).c_str(),
              worst_s * 1000, printable(slowest).c_str());
  // One operation on numbers at the bounds is the most that can be spent beyond the budget.
  EXPECT_LE(worst_steps, grading::kMaxSteps + 100'000);
  EXPECT_GT(verdicts[0], 0);
  EXPECT_GT(verdicts[1], 0);
  EXPECT_GT(verdicts[2], 0);
}

}  // namespace
}  // namespace minke
