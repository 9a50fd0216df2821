#include "eval/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/error.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const TaskSummary& s) {
  Json pass = Json::object(), cons = Json::object();
  for (const auto& [k, v] : s.pass_k) pass[std::to_string(k)] = v;
  for (const auto& [k, v] : s.cons_k) cons[std::to_string(k)] = v;
  return {{"pass1", s.pass1}, {"ci95", {s.ci95.low, s.ci95.high}}, {"pass_k", pass}, {"cons_k", cons}, {"n", s.n}, {"samples", s.samples},
          {"mean_tokens", s.mean_tokens}, {"mean_think_tokens", s.mean_think_tokens}, {"abstained", s.abstained}, {"no_answer", s.no_answer},
          {"capped", s.capped}, {"cut", s.cut}, {"ungradable", s.ungradable}};
}

std::string table_line(const std::string& name, const TaskSummary& s) {
  if (s.n == 0) return fmt::format("{:<28} {:>5}\n", name, 0);
  const int64_t k = s.samples > 0 ? s.pass_k.rbegin()->first : 1;
  return fmt::format("{:<28} {:>5}  {:>5.1f} [{:>4.1f}, {:>5.1f}]  {:>6.1f}  {:>6.1f}  {:>7.1f}  {:>5.1f}  {:>5.1f}\n", name, s.n, 100 * s.pass1,
                     100 * s.ci95.low, 100 * s.ci95.high, 100 * s.pass_k.at(k), 100 * s.cons_k.at(k), s.mean_tokens, 100 * s.abstained, 100 * s.cut);
}

}  // namespace

TaskSummary summarise(std::span<const SampleRow> rows) {
  std::map<std::string_view, std::vector<const SampleRow*>> problems;
  for (const SampleRow& r : rows) problems[r.id].push_back(&r);

  TaskSummary s;
  std::vector<double> shares;
  int64_t answers = 0;
  for (auto& [id, samples] : problems) {
    std::sort(samples.begin(), samples.end(), [](const SampleRow* a, const SampleRow* b) { return a->sample < b->sample; });
    const int64_t n = int64_t(samples.size());
    if (s.samples == 0) s.samples = n;
    MINKE_CHECK_EQ(s.samples, n);
    if (std::any_of(samples.begin(), samples.end(), [](const SampleRow* r) { return r->outcome == Outcome::kUngradable; })) {
      ++s.ungradable;
      continue;
    }
    std::vector<uint8_t> right;
    std::vector<std::string> votes;
    for (const SampleRow* r : samples) {
      right.push_back(r->correct);
      votes.push_back(r->vote);
      s.mean_tokens += double(r->total_tokens);
      s.mean_think_tokens += double(r->think_tokens);
      s.abstained += r->outcome == Outcome::kAbstained;
      s.no_answer += r->outcome == Outcome::kNoAnswer;
      s.capped += r->exit == Exit::kCap;
      s.cut += r->exit == Exit::kLength;
    }
    const int64_t c = std::count(right.begin(), right.end(), 1);
    for (int64_t k = 1; k <= n; k *= 2) {
      s.pass_k[k] += pass_at_k(n, c, k);
      s.cons_k[k] += cons_at_k(right, votes, k);
    }
    shares.push_back(double(c) / double(n));
    answers += n;
  }
  s.n = int64_t(shares.size());
  if (s.n == 0) return s;
  for (auto& [k, v] : s.pass_k) v /= double(s.n);
  for (auto& [k, v] : s.cons_k) v /= double(s.n);
  s.pass1 = s.pass_k.at(1);
  s.ci95 = mean_interval(shares, s.samples);
  for (double* mean : {&s.mean_tokens, &s.mean_think_tokens, &s.abstained, &s.no_answer, &s.capped, &s.cut}) *mean /= double(answers);
  return s;
}

std::vector<TaskSummary> summarise_levels(std::span<const SampleRow> rows) {
  std::map<std::tuple<std::string, int, std::string>, std::vector<SampleRow>> groups;
  for (const SampleRow& r : rows) groups[{r.family, r.level, r.group}].push_back(r);
  std::vector<TaskSummary> out;
  for (const auto& [key, group] : groups) {
    out.push_back(summarise(group));
    std::tie(out.back().family, out.back().level, out.back().group) = key;
  }
  return out;
}

std::string summary_json(const TaskSummary& all, std::span<const TaskSummary> levels) {
  Json j = to_json(all);
  if (all.mtp_acceptance) j["mtp_acceptance"] = *all.mtp_acceptance;
  if (!levels.empty()) j["levels"] = Json::array();
  for (const TaskSummary& l : levels) {
    Json object = {{"family", l.family}, {"level", l.level}};
    if (!l.group.empty()) object["group"] = l.group;
    object.update(to_json(l));
    j["levels"].push_back(object);
  }
  return j.dump();
}

std::string summary_table(const TaskSummary& all, std::span<const TaskSummary> levels) {
  const int64_t k = all.pass_k.empty() ? 1 : all.pass_k.rbegin()->first;
  std::string out = fmt::format("{:<28} {:>5}  {:>5} {:<13}  {:>6}  {:>6}  {:>7}  {:>5}  {:>5}\n", "in percent", "n", "pass@1", "95% interval",
                                fmt::format("pass@{}", k), fmt::format("cons@{}", k), "tokens", "?", "cut");
  for (const TaskSummary& l : levels)
    out += table_line(l.family + (l.level ? fmt::format(" level {}", l.level) : "") + (l.group.empty() ? "" : ", " + l.group), l);
  if (levels.size() != 1) out += table_line("all", all);
  if (all.ungradable) out += fmt::format("{} problems left out: their answers cannot be read\n", all.ungradable);
  if (all.mtp_acceptance) out += fmt::format("MTP's draft is the next greedy token at {:.1f}% of the places of greedy answers\n", 100 * *all.mtp_acceptance);
  return out;
}

}  // namespace minke
