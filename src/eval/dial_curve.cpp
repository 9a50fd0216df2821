#include "eval/dial_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/rng.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

void settle(CurvePoint& p, double samples) {
  const double n = double(p.right.size());
  p.accuracy = double(std::accumulate(p.right.begin(), p.right.end(), int64_t(0))) / n;
  p.mean_tokens = double(std::accumulate(p.tokens.begin(), p.tokens.end(), int64_t(0))) / n;
  p.mean_samples = samples / n;
  p.ci95 = wilson(p.accuracy * n, n);
}

CurvePoint measure(CurveKind kind, std::string setting, const EffortPlan& plan, const EffortProfile& profile, std::span<const RecordedProblem> problems,
                   bool checker = false) {
  CurvePoint p;
  p.kind = kind;
  p.setting = std::move(setting);
  double samples = 0;
  for (const RecordedProblem& problem : problems) {
    const Replay r = replay(plan, profile, problem, checker);
    p.right.push_back(r.right);
    p.tokens.push_back(r.cost());
    samples += double(r.asked.size());
  }
  settle(p, samples);
  return p;
}

const EffortPlan auto_plan(const EffortProfile& profile) { return plan_effort(parse_effort("auto"), profile); }

// Without confidences: every sample of an effort weighs the same.
AutoTable blind(AutoTable table, std::span<const RecordedProblem> problems) {
  for (AutoArm& arm : table.arms) {
    double sum = 0, n = 0;
    for (const RecordedProblem& p : problems)
      for (const RecordedArm& a : p.arms)
        if (a.effort == arm.effort)
          for (const RecordedSample& s : a.samples) sum += arm.right_at(s.confidence), ++n;
    if (n == 0) continue;
    arm.edges.clear();
    arm.right = {sum / n};
  }
  return table;
}

// auto's path at its price, stopped after exactly `steps` samples.
EffortProfile stopped_after(EffortProfile profile, size_t steps) {
  AutoPolicy policy = profile.automatic->at(profile.price);
  policy.path.resize(steps);
  policy.gates.assign(steps - 1, {0, 2, true});
  profile.automatic->policies = {policy};
  return profile;
}

CurvePoint shuffled(const EffortProfile& profile, std::span<const RecordedProblem> problems, uint64_t seed) {
  constexpr uint64_t kShuffleStream = 0x7368756666650000;
  std::vector<size_t> steps;
  for (const RecordedProblem& p : problems) steps.push_back(replay(auto_plan(profile), profile, p).asked.size());
  Rng rng(seed, kShuffleStream);
  for (size_t i = steps.size(); i > 1; --i) std::swap(steps[i - 1], steps[rng.below(i)]);
  EffortProfile unknowing = profile;
  unknowing.automatic = blind(*profile.automatic, problems);
  std::map<size_t, EffortProfile> stopped;
  CurvePoint out;
  out.kind = CurveKind::kShuffled;
  out.setting = "shuffled";
  double samples = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    auto it = stopped.find(steps[i]);
    if (it == stopped.end()) it = stopped.emplace(steps[i], stopped_after(unknowing, steps[i])).first;
    const Replay r = replay(auto_plan(profile), it->second, problems[i]);
    out.right.push_back(r.right);
    out.tokens.push_back(r.cost());
    samples += double(r.asked.size());
  }
  settle(out, samples);
  return out;
}

}  // namespace

const char* curve_kind_name(CurveKind kind) {
  static const char* const kNames[] = {"effort", "fixed", "price", "shuffled"};
  return kNames[size_t(kind)];
}

std::vector<double> six_prices(const AutoTable& table) {
  constexpr size_t kPoints = 6;
  std::vector<double> changes;  // one price of each run with the same policy
  const AutoPolicy* last = nullptr;
  for (const AutoPolicy& p : table.policies) {
    if (!last || last->path != p.path || last->tokens != p.tokens) changes.push_back(p.price);
    last = &p;
  }
  if (changes.size() <= kPoints + 2) {
    if (changes.size() > 2) changes = {changes.begin() + 1, changes.end() - 1};
    return changes;
  }
  std::vector<double> out;
  for (size_t i = 1; i <= kPoints; ++i) out.push_back(changes[(i * (changes.size() - 1) + (kPoints + 1) / 2) / (kPoints + 1)]);
  return out;
}

std::vector<CurvePoint> dial_curve(std::span<const RecordedProblem> problems, const EffortProfile& profile, bool checker) {
  std::vector<CurvePoint> out;
  for (const char* name : {"off", "minimal", "low", "medium", "high", "max", "auto"})
    out.push_back(measure(CurveKind::kEffort, name, plan_effort(parse_effort(name), profile), profile, problems, checker));
  if (!profile.automatic) return out;
  out.back().price = profile.price > 0 ? profile.price : profile.automatic->price;
  for (const double price : six_prices(*profile.automatic)) {
    EffortProfile priced = profile;
    priced.price = price;
    out.push_back(measure(CurveKind::kPrice, "auto", auto_plan(priced), priced, problems, checker));
    out.back().price = price;
  }
  return out;
}

std::vector<CurvePoint> dial_rivals(std::span<const RecordedProblem> problems, const EffortProfile& profile, uint64_t seed) {
  std::vector<CurvePoint> out;
  EffortProfile unsure = profile;
  unsure.confident = 0;
  for (const std::string& arm : dial_arms(profile))
    for (int64_t samples = 1; samples <= kMostSamples; ++samples) {
      EffortPlan plan = plan_effort(parse_effort(arm), profile);
      plan.samples = samples;
      plan.rule = EffortRule::kAll;
      const std::string name = fmt::format("{} x{}", arm, samples);
      out.push_back(measure(CurveKind::kFixed, name, plan, profile, problems));
      plan.rule = EffortRule::kVotes;
      if (samples > 4) out.push_back(measure(CurveKind::kFixed, name + " agreed", plan, unsure, problems));
      if (samples > 1 && profile.confident > 0) out.push_back(measure(CurveKind::kFixed, name + " confident", plan, profile, problems));
    }
  if (!profile.automatic) return out;
  for (const double price : six_prices(*profile.automatic)) {
    EffortProfile priced = profile;
    priced.price = price;
    out.push_back(shuffled(priced, problems, seed));
    out.back().price = price;
  }
  return out;
}

std::string curve_json(const CurvePoint& p, std::span<const RecordedProblem> problems) {
  struct Level {
    double n = 0, right = 0, tokens = 0;
  };
  std::map<std::pair<std::string, int>, Level> by_level;
  for (size_t i = 0; i < problems.size(); ++i) {
    Level& l = by_level[{problems[i].family, problems[i].level}];
    ++l.n, l.right += p.right[i], l.tokens += double(p.tokens[i]);
  }
  Json levels = Json::array();
  for (const auto& [key, l] : by_level)
    levels.push_back({{"family", key.first}, {"level", key.second}, {"n", l.n}, {"accuracy", l.right / l.n}, {"tokens", l.tokens / l.n}});
  return Json{{"effort", p.setting}, {"price", p.price ? Json(*p.price) : Json()}, {"n", p.right.size()}, {"accuracy", p.accuracy}, {"ci95", {p.ci95.low, p.ci95.high}},
              {"tokens", p.mean_tokens}, {"samples", p.mean_samples}, {"levels", levels}}
      .dump();
}

std::string setting_json(const CurvePoint& p) {
  return Json{{"setting", p.setting}, {"kind", curve_kind_name(p.kind)}, {"price", p.price ? Json(*p.price) : Json()}, {"right", p.right}, {"tokens", p.tokens}}.dump();
}

std::string problems_json(std::span<const RecordedProblem> problems) {
  Json ids = Json::array(), families = Json::array(), levels = Json::array();
  for (const RecordedProblem& p : problems) ids.push_back(p.id), families.push_back(p.family), levels.push_back(p.level);
  return Json{{"id", ids}, {"family", families}, {"level", levels}}.dump();
}

}  // namespace minke
