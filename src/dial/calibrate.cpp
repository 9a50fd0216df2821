#include "dial/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/hash.h"

namespace minke {
namespace {

constexpr size_t kSteps = size_t(kMostSamples);
constexpr size_t kRotations = 4;   // of each problem's samples: less noise from which came first
constexpr size_t kFolds = 5;
constexpr int kSweeps = 4;
constexpr size_t kCells = 16;      // of beliefs, quantiles
constexpr int kPrices = 32;

// ---- 1. Samples ----

// Probability right by confidence, from (confidence, right) pairs in any order.
void fit_arm(std::vector<std::pair<double, bool>> samples, AutoArm& arm) {
  std::sort(samples.begin(), samples.end());
  struct Bin {
    double from, right, n;
    double mean() const { return (right + 0.5) / (n + 1); }
  };
  std::vector<Bin> bins;
  const size_t size = std::max<size_t>(samples.size() / 12, 40);
  for (size_t i = 0; i < samples.size();) {
    size_t end = samples.size() - i < 2 * size ? samples.size() : i + size;
    while (end < samples.size() && samples[end].first == samples[end - 1].first) ++end;
    Bin b{samples[i].first, 0, double(end - i)};
    for (; i < end; ++i) b.right += samples[i].second;
    bins.push_back(b);
    while (bins.size() > 1 && bins[bins.size() - 2].mean() >= bins.back().mean()) {
      const Bin last = bins.back();
      bins.pop_back();
      bins.back().right += last.right, bins.back().n += last.n;
    }
  }
  if (bins.empty()) bins.push_back({0, 0, 0});
  for (size_t i = 0; i < bins.size(); ++i) {
    if (i) arm.edges.push_back(bins[i].from);
    arm.right.push_back(std::clamp(bins[i].mean(), 1e-4, 1 - 1e-4));
  }
}

double coincidence_of(std::span<const RecordedProblem> problems) {
  double pairs = 0, same = 0;
  for (const RecordedProblem& p : problems) {
    std::map<std::string_view, double> wrong;
    double n = 0;
    for (const RecordedArm& a : p.arms)
      for (const RecordedSample& s : a.samples)
        if (!s.right && !s.vote.empty()) ++wrong[s.vote], ++n;
    for (const auto& [name, count] : wrong) same += count * (count - 1);
    pairs += n * (n - 1);
  }
  return std::clamp((same + 1) / (pairs + 4), 0.02, 0.9);
}

// The least confidence from which at least 99 of 100 first answers of the highest arm are right, if there are enough of them; else 0.
double sure_confidence(std::span<const RecordedProblem> problems) {
  std::vector<std::pair<double, bool>> samples;
  for (const RecordedProblem& p : problems)
    for (const RecordedSample& s : p.arms.back().samples)
      if (!s.vote.empty()) samples.push_back({s.confidence, s.right});
  std::sort(samples.begin(), samples.end(), std::greater<>());
  double right = 0, sure = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    right += samples[i].second;
    const bool edge = i + 1 == samples.size() || samples[i + 1].first < samples[i].first;
    if (edge && i + 1 >= 200 && right >= 0.99 * double(i + 1)) sure = samples[i].first;
  }
  return sure;
}

// The least share of max's samples that must agree for kGiven of the answers that it then gives to be right, in each family; at most a
// strict majority: more would silence too many right ones.
double quorum_of(std::span<const RecordedProblem> problems, EffortProfile profile) {
  constexpr double kGiven = 0.87;
  const EffortPlan plan = plan_effort(parse_effort("max"), profile);
  constexpr int64_t kMajority = kMostSamples / 2 + 1;
  for (int64_t votes = 1; votes < kMajority; ++votes) {
    profile.quorum = double(votes) / double(kMostSamples);
    std::map<std::string_view, double> margin;  // right answers above those that kGiven asks for
    for (const RecordedProblem& p : problems) {
      const Replay r = replay(plan, profile, p, true);
      margin[p.family] += double(r.right) - kGiven * double(r.answers);
    }
    if (std::all_of(margin.begin(), margin.end(), [](const auto& m) { return m.second >= 0; })) return profile.quorum;
  }
  return double(kMajority) / double(kMostSamples);
}

// ---- 2. Paths ----

// One problem with one rotation along a path: after each step the belief's cell, whether its leader is right, and what the step cost.
struct Track {
  std::array<double, kSteps> belief{};  // below 0: unknown
  std::array<float, kSteps> cost{};
  std::array<uint8_t, kSteps> right{}, cell{};
  uint8_t fold = 0;
};

struct Path {
  std::vector<size_t> arms;
  std::vector<Track> tracks;
  std::array<std::vector<double>, kSteps> edges;  // of cells; cell c holds beliefs from edges[c - 1] up to below edges[c]
  size_t cells(size_t step) const { return edges[step].size() + 1; }
};
constexpr uint8_t kUnknown = 255;

// Names of answers and calibrated probabilities, looked up once.
struct Known {
  struct Sample {
    BeliefVote vote;
    float tokens;
    bool right;
  };
  std::vector<std::vector<Sample>> arms;
  std::vector<float> prompts;
  uint8_t fold;
};

std::vector<Known> known_samples(std::span<const RecordedProblem> problems, const AutoTable& table) {
  std::vector<Known> out;
  for (const RecordedProblem& p : problems) {
    Known k;
    k.fold = uint8_t(xxh3_64(p.id) % kFolds);
    std::map<std::string_view, int32_t> names;
    for (size_t a = 0; a < p.arms.size(); ++a) {
      k.prompts.push_back(float(p.arms[a].prompt));
      k.arms.emplace_back();
      for (const RecordedSample& s : p.arms[a].samples) {
        BeliefVote v;
        if (!s.vote.empty()) v = {names.emplace(s.vote, int32_t(names.size())).first->second, table.arms[a].right_at(s.confidence)};
        k.arms.back().push_back({v, float(s.tokens), s.right});
      }
    }
    out.push_back(std::move(k));
  }
  return out;
}

Path track_path(std::vector<size_t> arms, const std::vector<Known>& problems, double coincidence) {
  Path path;
  path.arms = std::move(arms);
  const size_t steps = std::min(path.arms.size(), kSteps);
  for (const Known& p : problems)
    for (size_t rotation = 0; rotation < kRotations; ++rotation) {
      Track t;
      t.fold = p.fold;
      std::array<BeliefVote, kSteps> votes;
      std::array<bool, kSteps> rights;
      std::array<size_t, 8> used{};
      for (size_t s = 0; s < steps; ++s) {
        const size_t a = path.arms[s];
        const size_t n = p.arms[a].size();
        const Known::Sample& sample = p.arms[a][(used[a] + rotation * n / kRotations) % n];
        t.cost[s] = sample.tokens + (used[a]++ == 0 ? p.prompts[a] : 0);
        votes[s] = sample.vote;
        rights[s] = sample.right;
        const Belief b = believe(std::span(votes).first(s + 1), coincidence);
        t.belief[s] = b.leader < 0 ? -1 : b.right;
        for (size_t i = 0; i <= s; ++i)
          if (b.leader >= 0 && votes[i].name == b.leader) t.right[s] = rights[i];
      }
      path.tracks.push_back(t);
    }
  for (size_t s = 0; s < steps; ++s) {
    std::vector<double> beliefs;
    for (const Track& t : path.tracks)
      if (t.belief[s] >= 0) beliefs.push_back(t.belief[s]);
    std::sort(beliefs.begin(), beliefs.end());
    for (size_t c = 1; c < kCells && !beliefs.empty(); ++c) {
      // Between two values that occur: beliefs are few different numbers, and none may lie on an edge.
      const auto above = std::lower_bound(beliefs.begin(), beliefs.end(), beliefs[beliefs.size() * c / kCells]);
      if (above == beliefs.begin()) continue;
      const double edge = (*above + *(above - 1)) / 2;
      if (path.edges[s].empty() || edge > path.edges[s].back()) path.edges[s].push_back(edge);
    }
    for (Track& t : path.tracks)
      t.cell[s] = t.belief[s] < 0 ? kUnknown : uint8_t(std::upper_bound(path.edges[s].begin(), path.edges[s].end(), t.belief[s]) - path.edges[s].begin());
  }
  return path;
}

// ---- 3. Gates ----

struct CellGate {
  size_t from = 0, to = 0;  // cells
  bool unknown = false;
  bool goes_on(uint8_t cell) const { return cell == kUnknown ? unknown : from <= cell && cell < to; }
};
using Gates = std::array<CellGate, kSteps>;

// Gates for a price from the tracks that are not of fold `out` (kFolds: from all).
Gates fit_gates(const Path& path, double price, size_t out) {
  constexpr double kUnreached = 0.05;  // weight of tracks that earlier gates stop: they speak where no other does
  const size_t steps = std::min(path.arms.size(), kSteps);
  Gates gates;
  for (size_t s = 0; s + 1 < steps; ++s) gates[s] = {0, path.cells(s), true};
  const size_t n = path.tracks.size();
  std::vector<uint8_t> stops(n);       // the first step at which the gates of the sweep before stop
  std::vector<double> to_go(n);        // right at the end minus price x tokens after a step
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (size_t i = 0; i < n; ++i) {
      const Track& t = path.tracks[i];
      size_t s = 0;
      while (s + 1 < steps && gates[s].goes_on(t.cell[s])) ++s;
      stops[i] = uint8_t(s);
      to_go[i] = t.right[steps - 1];
    }
    for (size_t s = steps - 1; s-- > 0;) {
      std::array<double, kCells + 1> gain{};
      double unknown = 0;
      for (size_t i = 0; i < n; ++i) {
        const Track& t = path.tracks[i];
        to_go[i] -= price * double(t.cost[s + 1]);
        if (t.fold == out) continue;
        const double weight = stops[i] >= s ? 1 : kUnreached, more = weight * (to_go[i] - double(t.right[s]));
        (t.cell[s] == kUnknown ? unknown : gain[t.cell[s]]) += more;
      }
      CellGate best;
      best.unknown = unknown > 0;
      double most = 0;
      for (size_t from = 0; from < path.cells(s); ++from) {
        double sum = 0;
        for (size_t to = from; to < path.cells(s); ++to)
          if ((sum += gain[to]) > most) most = sum, best.from = from, best.to = to + 1;
      }
      gates[s] = best;
      for (size_t i = 0; i < n; ++i)
        if (!best.goes_on(path.tracks[i].cell[s])) to_go[i] = path.tracks[i].right[s];
    }
  }
  return gates;
}

struct Score {
  double right = 0, tokens = 0, n = 0;
  double worth(double price) const { return (right - price * tokens) / n; }
};

void add_scores(const Path& path, const Gates& gates, size_t fold, Score& score) {
  const size_t steps = path.arms.size();
  for (const Track& t : path.tracks) {
    if (t.fold != fold) continue;
    size_t s = 0;
    double cost = double(t.cost[0]);
    while (s + 1 < steps && gates[s].goes_on(t.cell[s])) cost += double(t.cost[++s]);
    score.right += t.right[s];
    score.tokens += cost;
    ++score.n;
  }
}

AutoPolicy policy_of(const Path& path, const Gates& gates, double price) {
  AutoPolicy p;
  p.price = price;
  // Steps that no gate leads to are left out.
  size_t steps = 1;
  while (steps < path.arms.size() && (gates[steps - 1].unknown || gates[steps - 1].from < gates[steps - 1].to)) ++steps;
  p.path.assign(path.arms.begin(), path.arms.begin() + int64_t(steps));
  for (size_t s = 0; s + 1 < steps; ++s) {
    const std::vector<double>& edges = path.edges[s];
    const CellGate& g = gates[s];
    AutoGate out{2, 2, g.unknown};
    if (g.from < g.to) out.from = g.from == 0 ? 0 : edges[g.from - 1], out.to = g.to == path.cells(s) ? 2 : edges[g.to - 1];
    p.gates.push_back(out);
  }
  return p;
}

}  // namespace

Calibration calibrate(std::span<const RecordedProblem> problems, const EffortProfile& profile) {
  if (problems.size() < kLeastProblems) fail("calibration: {} problems; expected at least {}", problems.size(), kLeastProblems);
  const std::vector<std::string> arms = dial_arms(profile);
  for (const RecordedProblem& p : problems) {
    bool whole = p.arms.size() == arms.size();
    for (size_t a = 0; whole && a < arms.size(); ++a) whole = p.arms[a].effort == arms[a] && p.arms[a].samples.size() >= kSteps;
    if (!whole) fail("calibration: problem {} lacks samples; expected {} of each of {} efforts", p.id, kSteps, arms.size());
  }
  Calibration out;
  AutoTable& table = out.table;
  for (size_t a = 0; a < arms.size(); ++a) {
    std::vector<std::pair<double, bool>> samples;
    for (const RecordedProblem& p : problems)
      for (const RecordedSample& s : p.arms[a].samples)
        if (!s.vote.empty()) samples.push_back({s.confidence, s.right});
    table.arms.push_back({arms[a], {}, {}});
    fit_arm(std::move(samples), table.arms.back());
  }
  table.coincidence = coincidence_of(problems);
  out.confident = sure_confidence(problems);
  EffortProfile sure = profile;
  sure.confident = out.confident;
  out.quorum = quorum_of(problems, std::move(sure));

  const std::vector<Known> known = known_samples(problems, table);
  double high = 0;
  for (const RecordedProblem& p : problems) high += double(p.arms.back().prompt + p.arms.back().samples[0].tokens);
  high /= double(problems.size());

  // The best of each price so far, by what it is worth on the folds it was not fitted to.
  struct Best {
    double worth = -1e300;
    AutoPolicy policy;
  };
  std::vector<double> prices;
  for (int i = 0; i < kPrices; ++i) prices.push_back(std::stod(fmt::format("{:.3g}", 1e-3 * std::pow(10.0, 4.5 * i / (kPrices - 1)) / high)));
  std::vector<Best> best(prices.size());
  for (size_t chosen = 1; chosen < size_t(1) << arms.size(); ++chosen) {
    std::vector<size_t> steps;
    for (size_t a = 0; a < arms.size(); ++a)
      if (chosen >> a & 1) steps.push_back(a);
    steps.resize(kSteps, steps.back());
    const Path path = track_path(steps, known, table.coincidence);
    for (size_t i = 0; i < prices.size(); ++i) {
      Score score;
      for (size_t fold = 0; fold < kFolds; ++fold) add_scores(path, fit_gates(path, prices[i], fold), fold, score);
      if (score.worth(prices[i]) <= best[i].worth) continue;
      best[i].worth = score.worth(prices[i]);
      best[i].policy = policy_of(path, fit_gates(path, prices[i], kFolds), prices[i]);
      best[i].policy.accuracy = score.right / score.n;
      best[i].policy.tokens = score.tokens / score.n;
    }
  }
  double most = 0;
  for (const Best& b : best) most = std::max(most, b.policy.accuracy);
  for (Best& b : best) {
    if (b.policy.accuracy >= most - 0.005) table.price = b.policy.price;
    table.policies.push_back(std::move(b.policy));
  }
  return out;
}

}  // namespace minke
