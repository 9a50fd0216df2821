#include "dial/effort.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "dial/profile.h"
#include "reason/pace.h"

namespace minke {
namespace {

struct Named {
  const char* name;
  EffortKind kind;
};
constexpr Named kNamed[] = {{"off", EffortKind::kOff},   {"minimal", EffortKind::kMinimal}, {"low", EffortKind::kLow}, {"medium", EffortKind::kMedium},
                            {"high", EffortKind::kHigh}, {"max", EffortKind::kMax},         {"auto", EffortKind::kAuto}};

// The whole of `text` as a number, digits and at most one point; nothing else.
bool read_plain(std::string_view text, double* value) {
  const size_t points = size_t(std::count(text.begin(), text.end(), '.'));
  if (text.empty() || points > 1 || text.size() == points || text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Effort parse_effort(std::string_view text, std::string_view option) {
  Effort e;
  e.asked = std::string(text);
  for (const Named& n : kNamed)
    if (text == n.name) {
      e.kind = n.kind;
      return e;
    }
  const bool percent = text.ends_with('%');
  const std::string_view digits = percent ? text.substr(0, text.size() - 1) : text;
  double value = 0;
  if (!read_plain(digits, &value)) usage_fail("{} {}: expected {}", option, text, kEffortHelp);
  if (percent || digits.find('.') != std::string_view::npos) {
    e.kind = EffortKind::kShare;
    e.share = percent ? value / 100 : value;
    if (e.share > 1) usage_fail("{} {}: a share of the full budget is at most {}; a number of tokens has no point", option, text, percent ? "100%" : "1.0");
    return e;
  }
  if (value < 2) usage_fail("{} {}: expected 2 tokens or more; write {}", option, text, value < 1 ? "off for no thinking" : "1.0 or high for the full budget");
  if (value > 1e9) usage_fail("{} {}: expected at most 1000000000 tokens", option, text);
  e.kind = EffortKind::kTokens;
  e.tokens = int64_t(value);
  return e;
}

EffortPlan plan_effort(const Effort& effort, const EffortProfile& profile) {
  EffortPlan p;
  p.asked = effort.asked;
  if (effort.kind == EffortKind::kShare) {
    if (effort.share > 0) p.cap = std::max<int64_t>(std::llround(effort.share * double(profile.full_budget)), 1);
    p.applied = p.cap ? std::to_string(p.cap) : "off";
  } else if (effort.kind == EffortKind::kTokens) {
    p.cap = effort.tokens;
    p.applied = std::to_string(p.cap);
  } else {
    const Named& n = kNamed[size_t(effort.kind)];
    p.applied = n.name;
    const bool several = n.kind == EffortKind::kMax || n.kind == EffortKind::kAuto;
    if (n.kind != EffortKind::kOff) p.cap = pace_budget(find_pace(several ? "high" : n.name, "--effort"), profile.full_budget);
  }
  if (effort.kind == EffortKind::kMax || effort.kind == EffortKind::kAuto) {
    p.samples = kMostSamples;
    p.rule = effort.kind == EffortKind::kMax ? EffortRule::kVotes : EffortRule::kAuto;
  }
  return p;
}

int64_t answer_reserve(int64_t cap) { return std::max<int64_t>(64, cap / 8); }

EffortBudget fit_budget(int64_t cap, int64_t answer_tokens, int64_t room) {
  const int64_t fixed = cap > 0 ? 2 : 1;  // </think> and EOS, or EOS
  const int64_t least = fixed + 1 + (cap > 0);
  if (room < least)
    fail("the prompt leaves {} of the model's positions; {} are the least for an answer{}", std::max<int64_t>(room, 0), least, cap > 0 ? " after a thought" : "");
  const int64_t most = answer_tokens > 0 ? answer_tokens : answer_reserve(cap);
  EffortBudget b;
  if (cap > 0) b.think = std::clamp<int64_t>(room - fixed - std::min(most, answer_reserve(cap)), 1, cap);
  b.answer = std::min(most, room - fixed - b.think);
  b.completion = b.think + b.answer + fixed;
  return b;
}

const char* effort_tag(int64_t cap, int64_t full_budget) {
  if (cap <= 0) return "off";
  const char* best = nullptr;
  double least = 0;
  for (const Pace& pace : paces()) {
    const double away = std::abs(std::log(double(cap)) - std::log(double(pace_budget(pace, full_budget))));
    if (best && away > least + 1e-9) continue;
    best = pace.name;
    least = away;
  }
  return best;
}

}  // namespace minke
