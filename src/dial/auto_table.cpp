#include "dial/auto_table.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "dial/effort.h"

namespace minke {

using Json = nlohmann::ordered_json;

double AutoArm::right_at(double confidence) const {
  return right[size_t(std::upper_bound(edges.begin(), edges.end(), confidence) - edges.begin())];
}

const AutoPolicy& AutoTable::at(double wanted) const {
  const double log_price = std::log(std::max(wanted, 1e-300));
  return *std::min_element(policies.begin(), policies.end(), [&](const AutoPolicy& a, const AutoPolicy& b) {
    return std::abs(std::log(a.price) - log_price) < std::abs(std::log(b.price) - log_price);
  });
}

Belief believe(std::span<const BeliefVote> votes, double coincidence) {
  constexpr double kLeast = 0.05;  // a vote never counts against its own answer
  constexpr size_t kMost = 64;
  MINKE_CHECK_LE(votes.size(), kMost);
  int32_t names[kMost];
  double scores[kMost];
  size_t n = 0;
  for (const BeliefVote& v : votes) {
    if (v.name < 0) continue;
    const double weight = std::max(std::log(v.right / ((1 - v.right) * coincidence)), kLeast);
    const size_t at = size_t(std::find(names, names + n, v.name) - names);
    if (at == n) names[n] = v.name, scores[n++] = 0;
    scores[at] += weight;
  }
  Belief b;
  if (n == 0) return b;
  const size_t best = size_t(std::max_element(scores, scores + n) - scores);  // of equals the one that came first
  double all = std::exp(-scores[best]) / coincidence;
  for (size_t i = 0; i < n; ++i) all += std::exp(scores[i] - scores[best]);
  b.leader = names[best];
  b.right = 1 / all;
  return b;
}

// ---- The file ----

namespace {

constexpr double kMostTokens = 1e12;

std::vector<double> numbers(Fields& f, const char* key, size_t n) {
  const Json* j = f.raw(key);
  if (!j || !j->is_array() || (n != SIZE_MAX && j->size() != n)) f.fail_at(key, n == SIZE_MAX ? "an array of numbers" : fmt::format("an array of {} numbers", n));
  std::vector<double> out;
  for (const Json& x : *j) {
    if (!x.is_number()) f.fail_at(key, "an array of numbers");
    out.push_back(x.get<double>());
  }
  return out;
}

const Json& objects(Fields& f, const char* key) {
  const Json* j = f.raw(key);
  if (!j || !j->is_array() || j->empty() || !std::all_of(j->begin(), j->end(), [](const Json& x) { return x.is_object(); })) f.fail_at(key, "an array of objects");
  return *j;
}

double rounded(double x) { return std::stod(fmt::format("{:.6g}", x)); }

}  // namespace

Json auto_json(const AutoTable& t) {
  Json arms = Json::array(), policies = Json::array();
  for (const AutoArm& a : t.arms) arms.push_back({{"effort", a.effort}, {"confidence", a.edges}, {"right", a.right}});
  for (const AutoPolicy& p : t.policies) {
    Json path = Json::array(), gates = Json::array();
    for (const size_t a : p.path) path.push_back(t.arms[a].effort);
    for (const AutoGate& g : p.gates) gates.push_back({g.from, g.to, g.unknown ? 1 : 0});
    policies.push_back({{"price", p.price}, {"path", path}, {"go_on", gates}, {"accuracy", rounded(p.accuracy)}, {"tokens", rounded(p.tokens)}});
  }
  return {{"price", t.price}, {"coincidence", t.coincidence}, {"arms", arms}, {"policies", policies}};
}

AutoTable parse_auto(Fields& f) {
  AutoTable t;
  t.price = f.number("price", 1e-12, 1e6);
  t.coincidence = f.number("coincidence", 1e-3, 0.999);
  std::vector<std::string> names;
  for (const Json& j : objects(f, "arms")) {
    Fields a(j, fmt::format("{}arms {}: ", f.where(), t.arms.size()));
    AutoArm arm;
    arm.effort = a.text("effort");
    const Effort e = parse_effort(arm.effort, a.where() + "effort");
    if (e.kind > EffortKind::kHigh) a.fail_at("effort", "off, minimal, low, medium or high");
    arm.edges = numbers(a, "confidence", SIZE_MAX);
    arm.right = numbers(a, "right", arm.edges.size() + 1);
    if (!std::is_sorted(arm.edges.begin(), arm.edges.end())) a.fail_at("confidence", "rising numbers");
    for (const double r : arm.right)
      if (!(r > 0 && r < 1)) a.fail_at("right", "numbers between 0 and 1");
    a.reject_unknown();
    names.push_back(arm.effort);
    t.arms.push_back(std::move(arm));
  }
  for (const Json& j : objects(f, "policies")) {
    Fields p(j, fmt::format("{}policies {}: ", f.where(), t.policies.size()));
    AutoPolicy policy;
    policy.price = p.number("price", 1e-12, 1e6);
    if (!t.policies.empty() && policy.price <= t.policies.back().price) p.fail_at("price", "more than the policy before");
    const Json* path = p.raw("path");
    if (!path || !path->is_array() || path->empty() || path->size() > size_t(kMostSamples)) p.fail_at("path", fmt::format("1 to {} efforts", kMostSamples));
    for (const Json& step : *path) {
      const auto at = step.is_string() ? std::find(names.begin(), names.end(), step.get<std::string>()) : names.end();
      if (at == names.end()) p.fail_at("path", "efforts of arms");
      policy.path.push_back(size_t(at - names.begin()));
    }
    const Json* gates = p.raw("go_on");
    if (!gates || !gates->is_array() || gates->size() + 1 != policy.path.size()) p.fail_at("go_on", fmt::format("{} gates [from, to, unknown]", policy.path.size() - 1));
    for (const Json& g : *gates) {
      if (!g.is_array() || g.size() != 3 || !g[0].is_number() || !g[1].is_number() || !g[2].is_number_integer()) p.fail_at("go_on", "gates [from, to, unknown]");
      policy.gates.push_back({g[0].get<double>(), g[1].get<double>(), g[2].get<int64_t>() != 0});
    }
    policy.accuracy = p.number("accuracy", 0, 1);
    policy.tokens = p.number("tokens", 0, kMostTokens);
    p.reject_unknown();
    t.policies.push_back(std::move(policy));
  }
  f.reject_unknown();
  return t;
}

}  // namespace minke
