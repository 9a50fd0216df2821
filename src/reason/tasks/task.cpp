#include "reason/tasks/task.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "reason/tasks/families.h"

namespace minke {
namespace {

constexpr Family kFamilies[] = {
    {"countdown-a1", "reach a target from 2 numbers of 1-20 with + - *", 1, 1, draw_countdown_a1},
    {"countdown-a2", "from 3 numbers of 1-10, all values at most 100", 2, 2, draw_countdown_a2},
    {"countdown-a3", "from 3 numbers of 1-25 with + - * and exact /, target at most 100", 3, 3, draw_countdown_a3},
    {"countdown-a4", "from 4 numbers of 1-25, target at most 100", 4, 4, draw_countdown_a4},
    {"countdown-a5", "from 4 or 5 numbers of 1-100, target at most 999", 5, 5, draw_countdown_a5},
    {"digits-b1", "add or subtract two numbers; level: their digits", 1, 6, draw_digits},
    {"products-b2", "multiply; levels: 1x1, 2x1, 2x2, 3x2, 3x3, 4x3 digits", 1, 6, draw_products},
    {"expressions-b3", "an expression modulo 97; level: its operations", 2, 12, draw_expressions},
    {"equations-b4", "solve ax + b = cx + d; levels: c = 0, whole answer, fraction, larger coefficients", 1, 4, draw_equations},
    {"registers-b5", "run a straight-line program; level: its lines", 2, 16, draw_registers},
    {"units-b6", "percentages, units, fractions, shares in percent", 1, 4, draw_units},
    {"signs-b7", "an expression modulo 97 with two signs that the question explains; level: its operations", 2, 4, draw_signs},
    {"puzzle", "the same where it does not, and the meaning is one that signs-b7 leaves out; level: its operations", 3, 4, draw_puzzle},
    {"words", "word problems, some in held-out wordings; level: their steps", 1, 4, draw_words},
};

constexpr int64_t kMostTries = 200'000;    // for one problem of a split
constexpr int64_t kMostRepeats = 20'000;   // in a row, after which a split counts as exhausted

std::string describe(const Family& family, int level, Split split) {
  return fmt::format("the {} split of {}{}", split_name(split), family.name, level ? fmt::format(" level {}", level) : "");
}

}  // namespace

Split split_of(std::string_view canonical_key) {
  const uint64_t slot = xxh3_64(canonical_key) % 10;
  return slot == 0 ? Split::kTest : slot == 1 ? Split::kCalibration : Split::kTrain;
}

const char* split_name(Split split) {
  return split == Split::kTest ? "test" : split == Split::kCalibration ? "calibration" : "train";
}

Split parse_split(std::string_view name) {
  for (const Split split : {Split::kTest, Split::kCalibration, Split::kTrain})
    if (name == split_name(split)) return split;
  usage_fail("split '{}' is unknown; expected train, calibration or test", name);
}

std::span<const Family> families() { return kFamilies; }

const Family& find_family(std::string_view name) {
  std::string names;
  for (const Family& family : kFamilies) {
    if (name == family.name) return family;
    names += names.empty() ? family.name : fmt::format(", {}", family.name);
  }
  usage_fail("task '{}' is unknown; expected one of {}", name, names);
}

Problem draw_problem(const Family& family, int level, Split split, uint64_t seed, uint64_t index) {
  if (level != 0 && (level < family.min_level || level > family.max_level))
    usage_fail("{} has no level {}; expected {} to {}", family.name, level, family.min_level, family.max_level);
  const int levels = family.max_level - family.min_level + 1;
  const int drawn_level = level ? level : family.min_level + int(index % uint64_t(levels));
  const KeyFilter keep = [split](std::string_view key) { return split_of(key) == split; };
  // A problem owns 2^24 blocks of the stream of its family and level, far more than the tries below can use.
  Rng rng(seed, xxh3_64(fmt::format("{}/{}", family.name, drawn_level)), index << 24);
  Problem problem;
  for (int64_t tries = 0; tries < kMostTries; ++tries) {
    if (!family.draw(rng, drawn_level, keep, problem)) continue;
    problem.id = fmt::format("{}/{}/{}/{}/{}", family.name, drawn_level, split_name(split), seed, index);
    problem.family = family.name;
    problem.level = drawn_level;
    return problem;
  }
  fail("{} holds no problem", describe(family, drawn_level, split));
}

std::vector<Problem> draw_problems(const Family& family, int level, Split split, uint64_t seed, int64_t n) {
  std::vector<Problem> problems;
  std::unordered_set<std::string> seen;
  int64_t repeats = 0;
  for (uint64_t index = 0; int64_t(problems.size()) < n; ++index) {
    Problem problem = draw_problem(family, level, split, seed, index);
    if (split != Split::kTrain && (problem.has_twins || !seen.insert(problem.canonical_key).second)) {
      if (++repeats == kMostRepeats)
        fail("{} holds {} problems, fewer than the {} asked for", describe(family, level, split), problems.size(), n);
      continue;
    }
    repeats = 0;
    problems.push_back(std::move(problem));
  }
  return problems;
}

int64_t count_keys(const Family& family, int level, int64_t enough) {
  const KeyFilter all = [](std::string_view) { return true; };
  Rng rng(1, xxh3_64("count_keys"));
  std::unordered_set<std::string> seen;
  int64_t repeats = 0;
  Problem problem;
  for (uint64_t i = 0; int64_t(seen.size()) < enough && repeats < kMostRepeats; ++i) {
    const int levels = family.max_level - family.min_level + 1;
    if (!family.draw(rng, level ? level : family.min_level + int(i % uint64_t(levels)), all, problem)) continue;
    repeats = seen.insert(problem.canonical_key).second ? 0 : repeats + 1;
  }
  return int64_t(seen.size());
}

}  // namespace minke
