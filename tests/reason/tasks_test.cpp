#include "reason/tasks/task.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "reason/checkers.h"

namespace minke {
namespace {

constexpr Split kSplits[] = {Split::kTest, Split::kCalibration, Split::kTrain};

std::string answer_of(const std::string& text) {
  const size_t at = text.rfind("\nAnswer: ");
  return at == std::string::npos ? "no answer line" : text.substr(at + 9);
}

TEST(Tasks, GoldsAreRightAtEveryLevelAndSplit) {
  for (const Family& family : families()) {
    for (int level = family.min_level; level <= family.max_level; ++level) {
      for (const Split split : kSplits) {
        for (uint64_t i = 0; i < 60; ++i) {
          const Problem p = draw_problem(family, level, split, 7, i);
          EXPECT_TRUE(check::right(p, p.gold)) << p.id << ": " << p.prompt << " -> " << p.gold;
          EXPECT_EQ(p.level, level);
          EXPECT_EQ(p.family, family.name);
          EXPECT_EQ(split_of(p.canonical_key), split) << p.canonical_key;
          EXPECT_TRUE(p.text.starts_with(p.prompt + "\n")) << p.text;
        }
      }
    }
  }
}

// The checkers must be able to say no.
TEST(Tasks, CheckersRefuseWrongAnswers) {
  for (const Family& family : families()) {
    const Problem p = draw_problem(family, 0, Split::kTrain, 3, 1);
    EXPECT_FALSE(check::right(p, "123456")) << p.prompt;
    EXPECT_FALSE(check::right(p, "?")) << p.prompt;
  }
  EXPECT_TRUE(check::countdown("Use 8, 3, 8 and 3 once each to make 24.", "8 / (3 - 8 / 3)"));
  EXPECT_FALSE(check::countdown("Use 8, 3, 8 and 3 once each to make 24.", "8 * 3"));
  EXPECT_FALSE(check::countdown("Use 2 and 3 once each to make 5.", "2 + 3 + 0"));
}

TEST(Tasks, SplitFollowsTheHashAlone) {
  for (const Family& family : families())
    for (uint64_t i = 0; i < 100; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTrain, 5, i);
      EXPECT_GE(xxh3_64(p.canonical_key) % 10, 2u);
    }
  int count[3] = {};
  for (int i = 0; i < 10000; ++i) ++count[int(split_of("any:" + std::to_string(i)))];
  EXPECT_NEAR(count[0], 1000, 150);
  EXPECT_NEAR(count[1], 1000, 150);
}

// Families of one kind share their keys: a test problem of A2 is no training problem of A3.
TEST(Tasks, SplitsAreDisjointAcrossLevelsAndFamilies) {
  std::map<std::string, Split> where;
  for (const Family& family : families())
    for (const Split split : kSplits)
      for (uint64_t i = 0; i < 500; ++i) {
        const Problem p = draw_problem(family, 0, split, 11, i);
        const auto [it, fresh] = where.emplace(p.canonical_key, split);
        EXPECT_TRUE(fresh || it->second == split) << p.canonical_key;
        EXPECT_EQ(p.canonical_key.find(family.name), std::string::npos) << "a key must not name the level";
      }
}

TEST(Tasks, KeysAreCanonical) {
  // Equal keys, equal problems: for one key all golds agree (Countdown: for one key all targets agree by construction).
  for (const char* name : {"digits-b1", "products-b2", "expressions-b3", "equations-b4", "registers-b5", "units-b6"}) {
    const Family& family = find_family(name);
    std::map<std::string, std::pair<std::string, std::set<std::string>>> seen;
    for (uint64_t i = 0; i < 3000; ++i) {
      const Problem p = draw_problem(family, family.min_level, Split::kTrain, 1, i);
      auto& [gold, prompts] = seen[p.canonical_key];
      if (gold.empty()) gold = p.gold;
      EXPECT_EQ(gold, p.gold) << p.canonical_key;
      prompts.insert(p.prompt);
    }
    const bool reworded = std::any_of(seen.begin(), seen.end(), [](const auto& s) { return s.second.second.size() > 1; });
    EXPECT_EQ(reworded, std::string(name) != "units-b6") << name << ": one problem in several wordings must have one key";
  }
}

TEST(Tasks, SameSeedSameProblemsEverywhere) {
  std::string all;
  for (const Family& family : families())
    for (uint64_t i = 0; i < 50; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTrain, 42, i);
      all += p.id + p.prompt + p.gold + p.canonical_key + p.text;
    }
  EXPECT_EQ(xxh3_64(all), 10483096012399984848ull) << "a generator changed: held-out scores before and after cannot be compared";
  const Family& family = find_family("countdown-a3");
  EXPECT_NE(draw_problem(family, 0, Split::kTrain, 1, 0).prompt, draw_problem(family, 0, Split::kTrain, 2, 0).prompt);
}

TEST(Tasks, TracesSearchErrAndGiveUp) {
  int solved = 0, gave_up = 0, mistakes = 0, dead_ends = 0;
  for (const Family& family : families())
    for (uint64_t i = 0; i < 400; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTrain, 9, i);
      const std::string answer = answer_of(p.text);
      if (answer == "?") {
        ++gave_up;
      } else {
        EXPECT_TRUE(check::right(p, answer)) << p.text;
        ++solved;
      }
      mistakes += p.text.find(" no ") != std::string::npos;
      dead_ends += p.text.find(" x\n") != std::string::npos;
    }
  EXPECT_GT(solved, 2400);
  EXPECT_GT(gave_up, 400);
  EXPECT_GT(mistakes, 300);
  EXPECT_GT(dead_ends, 800);
}

TEST(Tasks, HeldOutProblemsDoNotRepeatAndKnowTheirNumber) {
  const auto problems = draw_problems(find_family("countdown-a3"), 0, Split::kTest, 1, 1000);
  std::set<std::string> keys;
  for (const Problem& p : problems) keys.insert(p.canonical_key);
  EXPECT_EQ(keys.size(), 1000u);
  try {
    draw_problems(find_family("products-b2"), 1, Split::kTest, 1, 1000);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("test split of products-b2 level 1 holds"), std::string::npos) << e.what();
  }
}

TEST(Tasks, BadNamesAndLevels) {
  EXPECT_THROW(find_family("countdown"), UsageError);
  EXPECT_THROW(parse_split("validation"), UsageError);
  EXPECT_THROW(draw_problem(find_family("digits-b1"), 7, Split::kTrain, 1, 0), UsageError);
}

}  // namespace
}  // namespace minke
