#pragma once
// The grader's bounds. Work is counted in steps (about one machine word handled each), never in seconds, so a verdict does not depend
// on the machine; whoever goes beyond a bound throws Refused, which the grader's doors catch.
#include <cstdint>
#include <string>

namespace minke::grading {

inline constexpr int64_t kMaxSteps = 1'500'000;  // of one verdict: a few milliseconds
inline constexpr int64_t kMaxBits = 4096;        // of an integer
inline constexpr int64_t kMaxExponent = 64;
inline constexpr int kMaxNesting = 64;
inline constexpr size_t kFreeLength = 128;       // longer answers only where they do not repeat themselves
inline constexpr size_t kMaxLength = 1024;

// The written form is beyond a bound, or means nothing.
struct Refused {
  std::string why;
};

// Opens a budget for this thread; the outermost one counts.
class StepBudget {
 public:
  StepBudget();
  ~StepBudget();
  static void spend(int64_t steps);  // Refused when the budget is spent
  static int64_t spent();
};

}  // namespace minke::grading
