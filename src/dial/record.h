#pragma once
// Samples of every effort on some problems, recorded once: every setting of the dial, fixed or `auto`, can be replayed on them, with the
// samples, votes and tokens that asking would have brought (ask.h).
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dial/ask.h"
#include "reason/judge.h"

namespace minke {

struct RecordedSample {
  std::string vote;
  bool right = false;
  double confidence = 0;
  int64_t thinking = 0, tokens = 0;  // tokens: of the completion
  bool operator==(const RecordedSample&) const = default;
};

struct RecordedArm {
  std::string effort;
  int64_t cap = 0;                   // its plan's
  int64_t prompt = 0;                // tokens
  std::vector<RecordedSample> samples;
};

struct RecordedProblem {
  std::string id, family;
  int level = 0;
  bool checker = false;              // an answer can be checked without a right one (reason/judge.h: checks_itself)
  std::vector<RecordedArm> arms;     // rising caps
};

// off, minimal, low, medium, high; of those with equal caps the last.
std::vector<std::string> dial_arms(const EffortProfile& profile);

// {"id", "family", "level", "checker" (where it is true), "effort", "cap", "prompt", "samples": [{"vote", "right", "confidence", "thinking", "tokens"}, ...]}
// a line an arm, those of a problem one after another.
void write_records(const std::string& path, std::span<const RecordedProblem> problems);
std::vector<RecordedProblem> read_records(const std::string& path);  // Error names the line and the key

struct RecordOptions {
  int64_t samples = kMostSamples;    // of each arm
  GradeMode mode = GradeMode::kLenient;
};
// The problems in their order, without those whose gold cannot be read, and without those that are not finished when `stop` (may be empty)
// ends it. on_arm (may be empty) comes as arms end.
std::vector<RecordedProblem> record_samples(Asker& asker, std::span<const Problem> problems, const RecordOptions& options,
                                            const std::function<void()>& on_arm = {}, const std::function<bool()>& stop = {});

// What a setting does on a recorded problem, by decide(), with the problem's checker or without. Error where it needs an arm or a sample that was
// not recorded.
struct Replay {
  std::vector<std::pair<size_t, size_t>> asked;  // arm, sample
  size_t given = 0;                              // of asked
  bool answers = false;                          // it says something, and not `?`
  bool right = false;
  std::optional<EffortExit> exit;
  int64_t prompt = 0, tokens = 0;                // of different prompts; of all completions
  int64_t cost() const { return prompt + tokens; }
};
Replay replay(const EffortPlan& plan, const EffortProfile& profile, const RecordedProblem& problem, bool checker = false);

}  // namespace minke
