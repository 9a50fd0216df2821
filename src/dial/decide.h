#pragma once
// After some samples: one more, or enough? A pure function of what the samples said, so that recorded samples can be replayed.
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dial/effort.h"
#include "dial/profile.h"

namespace minke {

// Why an answer ended where it did. Of one sample: own, cap, length; of several: confident, verified, agreed, ceiling.
enum class EffortExit : uint8_t {
  kOwn,        // the model ended its thought and its answer
  kCap,        // </think> was forced at the cap
  kConfident,  // the first answer was sure enough
  kVerified,   // a checker is content
  kAgreed,     // the samples agree
  kCeiling,    // no more samples are allowed, or none is worth its price
  kLength,     // the answer was cut at its limit
  kCancelled,  // by the one who asked
};
const char* effort_exit_name(EffortExit exit);  // "own", "cap", ...

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
  std::optional<EffortExit> exit;  // nothing: as that sample ended
};

// checker: samples may come back verified; then they are asked for one by one and votes decide only at the ceiling.
Decision decide(const EffortPlan& plan, const EffortProfile& profile, bool checker, std::span<const SampleView> samples);

}  // namespace minke
