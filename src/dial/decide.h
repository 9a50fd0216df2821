#pragma once
// After some samples: one more, or enough? A pure function of what the samples said, so that recorded samples can be replayed.
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dial/effort.h"
#include "dial/profile.h"
#include "dial/spent.h"

namespace minke {

// What a rule sees of a sample.
struct SampleView {
  int64_t cap = 0;         // its plan's, 0: without thinking
  std::string vote;        // equal answers have equal names, "" abstains
  bool verified = false;   // a checker was content
  double confidence = 0;   // ask.h: AskSample
};

struct Decision {
  int64_t samples = 0;     // that many more, certainly needed, side by side; 0: enough
  int64_t cap = 0;         // of these
  // Enough:
  size_t given = 0;        // the sample that speaks
  bool abstains = false;   // it says `?`, whatever its answer: too few samples share it, or no checker was content
  std::optional<EffortExit> exit;  // nothing: as that sample ended
};

// checker: samples may come back verified; then they are asked for one by one and votes decide only at the ceiling.
Decision decide(const EffortPlan& plan, const EffortProfile& profile, bool checker, std::span<const SampleView> samples);

}  // namespace minke
