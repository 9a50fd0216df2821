#pragma once
// The rule of `auto`: a belief, a gate, a step further on the path (auto_table.h).
#include "dial/decide.h"

namespace minke {

// decide() for auto where the profile has a table. A checker's verdict ends it; otherwise it goes to the end of the policy's path.
Decision decide_auto(const EffortProfile& profile, bool checker, std::span<const SampleView> samples);

// The caps of the table's arms.
std::vector<int64_t> arm_caps(const AutoTable& table, int64_t full_budget);

}  // namespace minke
