#include "dial/decide.h"

#include <algorithm>

#include "dial/controller.h"
#include "dial/votes.h"

namespace minke {
namespace {

Decision more(int64_t cap, int64_t samples) {
  Decision d;
  d.cap = cap;
  d.samples = samples;
  return d;
}

Decision enough(size_t given, std::optional<EffortExit> exit) {
  Decision d;
  d.given = given;
  d.exit = exit;
  return d;
}

Decision by_votes(const EffortPlan& plan, const EffortProfile& profile, bool checker, std::span<const SampleView> samples) {
  const int64_t n = int64_t(samples.size());
  const double confident = profile.confident;
  if (n == 0 && (checker || confident > 0)) return more(plan.cap, 1);  // the first may be the last
  for (size_t i = 0; i < samples.size(); ++i)
    if (checker && samples[i].verified) return enough(i, EffortExit::kVerified);
  Votes votes;
  for (const SampleView& s : samples) votes.add(s.vote);
  const size_t speaker = size_t(std::max<int64_t>(votes.speaker(), 0));
  if (!checker && n == 1 && plan.rule != EffortRule::kAll && confident > 0 && !samples[0].vote.empty() && samples[0].confidence >= confident) return enough(0, EffortExit::kConfident);
  const int64_t missing = votes_to_settle(votes.leading(), votes.runner_up());
  if (!checker && missing == 0 && plan.rule != EffortRule::kAll) return enough(speaker, EffortExit::kAgreed);
  if (n >= plan.samples) {
    Decision d = enough(speaker, EffortExit::kCeiling);
    d.abstains = plan.rule != EffortRule::kAll && profile.quorum > 0 && (checker || (votes.leading() > 0 && double(votes.leading()) < profile.quorum * double(n)));
    return d;
  }
  return more(plan.cap, checker ? 1 : std::min(missing, plan.samples - n));
}

}  // namespace

Decision decide(const EffortPlan& plan, const EffortProfile& profile, bool checker, std::span<const SampleView> samples) {
  if (plan.rule == EffortRule::kOne) return samples.empty() ? more(plan.cap, 1) : enough(0, std::nullopt);
  if (plan.rule == EffortRule::kAll && samples.size() < size_t(plan.samples)) return more(plan.cap, plan.samples - int64_t(samples.size()));
  if (plan.rule == EffortRule::kAuto && profile.automatic) return decide_auto(profile, checker, samples);
  return by_votes(plan, profile, checker, samples);
}

}  // namespace minke
