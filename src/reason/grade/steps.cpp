#include "reason/grade/steps.h"

namespace minke::grading {

namespace {
thread_local int64_t steps = 0;
thread_local int depth = 0;
}  // namespace

StepBudget::StepBudget() {
  if (depth++ == 0) steps = 0;
}
StepBudget::~StepBudget() { --depth; }

void StepBudget::spend(int64_t n) {
  steps += n;
  if (depth > 0 && steps > kMaxSteps) throw Refused{"the step budget is spent"};
}

int64_t StepBudget::spent() { return steps; }

}  // namespace minke::grading
