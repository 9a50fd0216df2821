#pragma once
// How hard to think: one word from a user, exact budgets for the engine.
//   off       no thinking               high   C
//   minimal   C / 64                    max    C, up to 8 samples, a vote or a checker
//   low       C / 16                    auto   the profile's controller decides, at most what max may spend
//   medium    C / 4                     50%, 0.5 (with a point): a share of C      whole number of 2 or more: tokens
// C is the model's full budget (profile.h). A budget is tokens of thinking, </think> not counted; the answer has a reserve of its own.
#include <cstdint>
#include <string>
#include <string_view>

namespace minke {

struct EffortProfile;

enum class EffortKind : uint8_t { kOff, kMinimal, kLow, kMedium, kHigh, kMax, kAuto, kShare, kTokens };

struct Effort {
  EffortKind kind = EffortKind::kHigh;
  double share = 0;           // kShare, in [0, 1]
  int64_t tokens = 0;         // kTokens, at least 2
  std::string asked = "high";  // as it was written
};

// UsageError that lists what is expected; `option` is named in it.
Effort parse_effort(std::string_view text, std::string_view option = "--effort");

inline constexpr const char* kEffortHelp = "off, minimal, low, medium, high, max, auto, a share of the full budget (50% or 0.5), or tokens of thinking (2 or more)";
inline constexpr int64_t kMostSamples = 8;  // of max and auto

// Who says when it is enough.
enum class EffortRule : uint8_t {
  kOne,    // one sample
  kAll,    // as many as the plan has: they vote
  kVotes,  // samples until a checker is content, or they agree, or the first is confident (votes.h)
  kAuto,   // the profile's controller
};

struct EffortPlan {
  std::string asked;
  std::string applied;           // the word, or for shares and tokens the number of tokens
  int64_t cap = 0;               // most tokens of thinking; 0: off
  int64_t samples = 1;           // most
  EffortRule rule = EffortRule::kOne;
};

EffortPlan plan_effort(const Effort& effort, const EffortProfile& profile);

// Tokens that an answer may count on after a thought of `cap` tokens: max(64, cap / 8).
int64_t answer_reserve(int64_t cap);

// What a plan may spend after a prompt, exactly.
struct EffortBudget {
  int64_t think = 0;       // most tokens before </think>; 0: the prompt closed the thought
  int64_t answer = 0;      // most tokens after it, EOS not counted
  int64_t completion = 0;  // most tokens of all: think + </think> + answer + EOS, or answer + EOS
};

// room: positions after the prompt. answer_tokens: most of an answer; 0: the reserve. Where positions are short the thought gives way to
// the reserve, then the answer to the thought's last token. Error where there is no room for an answer at all.
EffortBudget fit_budget(int64_t cap, int64_t answer_tokens, int64_t room);

// The word that a model trained with effort tags reads for this cap: "off", or of minimal, low, medium and high the one whose budget is
// nearest (by ratio; the larger of two equally near).
const char* effort_tag(int64_t cap, int64_t full_budget);

}  // namespace minke
