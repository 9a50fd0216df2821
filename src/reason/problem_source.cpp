#include "reason/problem_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace minke {
namespace {

constexpr uint64_t kOrderStream = 0x6f72646572;
constexpr size_t kLargeFile = 500, kLeastProblems = 8;

const Family* family_named(std::string_view name) {
  for (const Family& family : families())
    if (name == family.name) return &family;
  return nullptr;
}

std::string stem(const std::string& path) {
  const size_t slash = path.rfind('/'), from = slash == std::string::npos ? 0 : slash + 1;
  const size_t dot = path.rfind('.');
  return path.substr(from, dot != std::string::npos && dot > from ? dot - from : std::string::npos);
}

void keep_level(std::vector<Problem> (&splits)[3], int level, const std::string& path) {
  std::set<int> levels;
  for (auto& problems : splits) {
    for (const Problem& p : problems)
      if (p.level) levels.insert(p.level);
    std::erase_if(problems, [level](const Problem& p) { return p.level != level; });
  }
  if (levels.empty()) usage_fail("{}: has no levels, so there is no level {}", path, level);
  if (!levels.contains(level)) usage_fail("{}: has no level {}; expected one of {}", path, level, fmt::join(levels, ", "));
}

}  // namespace

uint64_t permuted(uint64_t index, uint64_t n, uint64_t seed, uint64_t stream) {
  // A Feistel network permutes [0, 4^half); places from n on are walked through until one below n comes, at most a few steps.
  int half = 1;
  while (half < 31 && uint64_t(1) << (2 * half) < n) ++half;
  const uint64_t mask = (uint64_t(1) << half) - 1;
  do {
    uint64_t left = index >> half, right = index & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t mixed = left ^ (random_block(seed, stream, round << 32 | right).v[0] & mask);
      left = right;
      right = mixed;
    }
    index = left << half | right;
  } while (index >= n);
  return index;
}

std::vector<Split> split_file(const std::vector<Problem>& problems) {
  const size_t n = problems.size();
  std::vector<Split> splits(n, Split::kTrain);
  if (n >= kLargeFile) {
    for (size_t i = 0; i < n; ++i) splits[i] = split_of(problems[i].canonical_key);
    return splits;
  }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return xxh3_64(problems[a].canonical_key) < xxh3_64(problems[b].canonical_key); });
  const size_t test = std::clamp<size_t>(n / 4, 1, 50), calibration = std::clamp<size_t>(n / 8, 1, 25);
  for (size_t i = 0; i < n && i < test + calibration; ++i) splits[order[i]] = i < test ? Split::kTest : Split::kCalibration;
  return splits;
}

ProblemSource ProblemSource::open(const SourceOptions& o) {
  ProblemSource source;
  source.level_ = o.level;
  source.name_ = o.task;
  source.family_ = family_named(o.task);
  const ProblemFormat* data_set = find_data_set(o.task);
  if (!o.data.empty() && !data_set) usage_fail("--data belongs to {}; {} needs none", data_set_names(), o.task);
  if (source.family_) {
    if (o.level != 0) draw_problem(*source.family_, o.level, Split::kTrain, 0, 0);  // refuses a level that is not there
    return source;
  }
  if (data_set && o.data.empty()) usage_fail("{} needs --data FILE, the data set as published; it is not part of minke", o.task);
  if (!data_set && !file_exists(o.task)) {
    std::string names;
    for (const Family& family : families()) names += fmt::format("{}, ", family.name);
    usage_fail("'{}' is neither a file nor a task; expected a .jsonl file or one of {}{}", o.task, names, data_set_names());
  }
  source.path_ = data_set ? o.data : o.task;
  if (!data_set) source.name_ = stem(o.task);
  ProblemFile file = read_problem_file(source.path_, source.name_, data_set ? *data_set : own_format(), o.skip_bad);
  source.skipped_ = file.skipped;
  source.duplicates_ = file.duplicates;
  if (!o.whole && file.problems.size() < kLeastProblems)
    fail("{}: holds {} problems; expected at least {}, so that some can be held out", source.path_, file.problems.size(), kLeastProblems);
  const std::vector<Split> splits = o.whole ? std::vector<Split>(file.problems.size(), Split::kTest) : split_file(file.problems);
  for (size_t i = 0; i < splits.size(); ++i) source.problems_[int(splits[i])].push_back(std::move(file.problems[i]));
  if (o.level != 0) keep_level(source.problems_, o.level, source.path_);
  return source;
}

std::string ProblemSource::passed_over() const {
  std::string text;
  if (skipped_ > 0) text = fmt::format("{} malformed lines passed over", skipped_);
  if (duplicates_ > 0) text += fmt::format("{}{} repeated problems dropped", text.empty() ? "" : ", ", duplicates_);
  return text;
}

std::optional<int64_t> ProblemSource::size(Split split) const {
  return family_ ? std::nullopt : std::optional(int64_t(problems_[int(split)].size()));
}

std::vector<int> ProblemSource::levels() const {
  std::set<int> levels;
  if (family_ && level_ == 0)
    for (int l = family_->min_level; l <= family_->max_level; ++l) levels.insert(l);
  for (const Problem& p : problems_[int(Split::kTrain)]) levels.insert(p.level);
  return levels.size() > 1 ? std::vector<int>(levels.begin(), levels.end()) : std::vector<int>();
}

ProblemSource ProblemSource::at_level(int level) const {
  ProblemSource one = *this;
  one.level_ = level;
  for (auto& problems : one.problems_) std::erase_if(problems, [level](const Problem& p) { return p.level != level; });
  return one;
}

Problem ProblemSource::train(uint64_t seed, uint64_t index) const {
  if (family_) return draw_problem(*family_, level_, Split::kTrain, seed, index);
  const auto& problems = problems_[int(Split::kTrain)];
  if (problems.empty()) fail("{}{}: no problem is left to train on", path_, level_ ? fmt::format(" level {}", level_) : "");
  const uint64_t n = problems.size();
  return problems[permuted(index % n, n, seed, kOrderStream + index / n)];
}

std::vector<Problem> ProblemSource::held_out(Split split, uint64_t seed, int64_t n) const {
  MINKE_CHECK(split != Split::kTrain);
  if (family_) return draw_problems(*family_, level_, split, seed, n);
  const auto& problems = problems_[int(split)];
  const int64_t size = int64_t(problems.size());
  if (n > size)
    fail("the {} split of {}{} holds {} problems, fewer than the {} asked for", split_name(split), path_,
         level_ ? fmt::format(" level {}", level_) : "", size, n);
  std::vector<Problem> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(problems[permuted(uint64_t(i), uint64_t(size), seed, kOrderStream - 1)]);
  return out;
}

std::vector<Problem> ProblemSource::held_out_at_most(Split split, uint64_t seed, int64_t n) const {
  if (const auto known = size(split)) return held_out(split, seed, std::min(*known, n));
  constexpr int64_t kLeast = 16;
  for (;; n /= 2) try {
      return held_out(split, seed, n);
    } catch (const Error&) {
      if (n <= kLeast) throw;
    }
}

int64_t ProblemSource::known_keys(int64_t enough) const {
  if (family_) return count_keys(*family_, level_, enough);
  int64_t keys = 0;
  for (const auto& problems : problems_) keys += int64_t(problems.size());
  return std::min(keys, enough);
}

}  // namespace minke
