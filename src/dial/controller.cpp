#include "dial/controller.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace minke {

std::vector<int64_t> arm_caps(const AutoTable& table, int64_t full_budget) {
  EffortProfile p;
  p.full_budget = full_budget;
  std::vector<int64_t> caps;
  for (const AutoArm& a : table.arms) caps.push_back(plan_effort(parse_effort(a.effort), p).cap);
  return caps;
}

Decision decide_auto(const EffortProfile& profile, bool checker, std::span<const SampleView> samples) {
  const AutoTable& table = *profile.automatic;
  const AutoPolicy& policy = table.at(profile.price > 0 ? profile.price : table.price);
  const std::vector<int64_t> caps = arm_caps(table, profile.full_budget);
  const size_t n = samples.size(), steps = policy.path.size();
  Decision d;
  std::map<std::string_view, int32_t> names;
  std::vector<BeliefVote> votes;
  std::vector<int64_t> counts;
  for (size_t i = 0; i < n; ++i) {
    if (checker && samples[i].verified) {
      d.given = i;
      d.exit = EffortExit::kVerified;
      return d;
    }
    const size_t arm = size_t(std::find(caps.begin(), caps.end(), samples[i].cap) - caps.begin());
    MINKE_CHECK_LT(arm, caps.size());
    BeliefVote v;
    if (!samples[i].vote.empty()) {
      v.name = names.emplace(samples[i].vote, int32_t(names.size())).first->second;
      v.right = table.arms[arm].right_at(samples[i].confidence);
      counts.resize(names.size());
      ++counts[size_t(v.name)];
    }
    votes.push_back(v);
  }
  const Belief belief = believe(votes, table.coincidence);
  const auto goes_on = [&](size_t after) {
    const AutoGate& g = policy.gates[after];
    return checker || (belief.leader < 0 ? g.unknown : g.from <= belief.right && belief.right < g.to);
  };
  if (n < steps && (n == 0 || goes_on(n - 1))) {
    d.cap = caps[policy.path[n]];
    d.samples = 1;
    // Steps that are certain to follow, and of the same effort, run beside it.
    while (!checker && n + size_t(d.samples) < steps && policy.gates[n + size_t(d.samples) - 1].always() && policy.path[n + size_t(d.samples)] == policy.path[n]) ++d.samples;
    return d;
  }
  d.abstains = checker && profile.quorum > 0;  // content with none
  if (belief.leader < 0) {
    d.exit = EffortExit::kCeiling;
    return d;
  }
  // Of the samples that say so the one that thought under the highest cap speaks.
  const auto says = [&](size_t i) { return votes[i].name == belief.leader; };
  while (!says(d.given)) ++d.given;
  for (size_t i = d.given; i < n; ++i)
    if (says(i) && samples[i].cap > samples[d.given].cap) d.given = i;
  d.exit = n >= steps && steps > 1 ? EffortExit::kCeiling : counts[size_t(belief.leader)] > 1 ? EffortExit::kAgreed : EffortExit::kConfident;
  if (steps == 1) d.exit = std::nullopt;  // one sample was all that this price pays: as it ended
  return d;
}

}  // namespace minke
