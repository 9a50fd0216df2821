#include "eval/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "base/file.h"

namespace minke {
namespace {

using Problems = std::map<std::string, std::vector<const SampleRow*>>;  // by id, samples in order; ungradable ones left out

Problems by_problem(std::span<const SampleRow> rows) {
  Problems out;
  for (const SampleRow& r : rows) out[r.id].push_back(&r);
  for (auto& [id, samples] : out)
    std::sort(samples.begin(), samples.end(), [](const SampleRow* a, const SampleRow* b) { return a->sample < b->sample; });
  std::erase_if(out, [](const auto& problem) {
    return std::any_of(problem.second.begin(), problem.second.end(), [](const SampleRow* r) { return r->outcome == Outcome::kUngradable; });
  });
  return out;
}

// Of one problem's first n samples: pass@1, pass@k, cons@k, tokens.
std::vector<double> measures(const std::vector<const SampleRow*>& samples, size_t n, int64_t k) {
  std::vector<uint8_t> right;
  std::vector<std::string> votes;
  double tokens = 0;
  for (size_t i = 0; i < n; ++i) {
    right.push_back(samples[i]->correct);
    votes.push_back(samples[i]->vote);
    tokens += double(samples[i]->total_tokens);
  }
  const int64_t c = std::count(right.begin(), right.end(), 1);
  return {double(c) / double(n), pass_at_k(int64_t(n), c, k), cons_at_k(right, votes, k), tokens / double(n)};
}

}  // namespace

std::vector<SampleRow> read_rows(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<SampleRow> out;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    const std::string where = fmt::format("{}:{}", path, ++number);
    at = end + 1;
    const nlohmann::ordered_json j = parse_json(line, where);
    if (j.is_object() && !j.contains("id") && (j.contains("made_by") || j.contains("pass1"))) continue;
    out.push_back(parse_row(line, where));
  }
  if (out.empty()) fail("{}: holds no rows", path);
  return out;
}

std::vector<Comparison> compare_rows(std::span<const SampleRow> now, std::span<const SampleRow> before, uint64_t seed, int64_t* problems) {
  const Problems a = by_problem(now), b = by_problem(before);
  size_t samples = SIZE_MAX;
  std::vector<std::pair<const std::vector<const SampleRow*>*, const std::vector<const SampleRow*>*>> pairs;
  for (const auto& [id, rows] : a)
    if (const auto other = b.find(id); other != b.end()) {
      pairs.push_back({&rows, &other->second});
      samples = std::min({samples, rows.size(), other->second.size()});
    }
  if (pairs.empty()) fail("no problem is in both sets of rows; were they drawn with another --seed or --level?");
  int64_t k = 1;
  while (size_t(2 * k) <= samples) k *= 2;

  std::vector<Comparison> out;
  std::vector<double> p;
  const std::vector<std::string> names = {"pass@1", fmt::format("pass@{}", k), fmt::format("cons@{}", k), "tokens"};
  for (size_t m = 0; m < names.size(); ++m) {
    if (k == 1 && (m == 1 || m == 2)) continue;
    std::vector<double> x, y;
    for (const auto& [here, there] : pairs) {
      x.push_back(measures(*here, samples, k)[m]);
      y.push_back(measures(*there, samples, k)[m]);
    }
    out.push_back({names[m], paired_bootstrap(x, y, seed), 1});
    p.push_back(out.back().difference.p);
  }
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < out.size(); ++i) out[i].holm = adjusted[i];
  *problems = int64_t(pairs.size());
  return out;
}

}  // namespace minke
