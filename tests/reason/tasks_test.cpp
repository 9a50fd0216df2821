#include "reason/tasks/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

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
        EXPECT_FALSE(p.canonical_key.starts_with(std::string(family.name) + ":") && p.family != "words") << "a key must not name the level";
      }
}

TEST(Tasks, KeysAreCanonical) {
  // Equal keys, equal problems: for one key all golds agree (Countdown: for one key all targets agree by construction).
  for (const char* name : {"digits-b1", "products-b2", "expressions-b3", "equations-b4", "registers-b5", "units-b6", "signs-b7", "puzzle", "words"}) {
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
  std::string all, words, signs;
  for (const Family& family : families())
    for (uint64_t i = 0; i < 50; ++i) {
      const Problem p = draw_problem(family, 0, Split::kTrain, 42, i);
      (p.family == "words" ? words : p.family == "puzzle" || p.family == "signs-b7" ? signs : all) += p.id + p.prompt + p.gold + p.canonical_key + p.text;
    }
  EXPECT_EQ(xxh3_64(words), 7006769104111344769ull) << "a generator changed: held-out scores before and after cannot be compared";
  EXPECT_EQ(xxh3_64(signs), 10868236991082558649ull) << "a generator changed: held-out scores before and after cannot be compared";
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

// A hundred thousand training problems a family, straight from the generators, and not one held-out key or prompt among them.
TEST(Tasks, NoHeldOutProblemIsEverTrainedOn) {
  const KeyFilter train = [](std::string_view key) { return split_of(key) == Split::kTrain; };
  for (const Family& family : families()) {
    std::set<std::string> held_out;
    const int64_t keys = count_keys(family, 0, 5000);
    for (const Problem& held : draw_problems(family, 0, Split::kTest, 21, std::min<int64_t>(keys / 20, 250))) held_out.insert(held.prompt);
    Rng rng(22);
    Problem p;
    const int levels = family.max_level - family.min_level + 1;
    int drawn = 0;
    for (int i = 0; drawn < 100'000; ++i) {
      if (!family.draw(rng, family.min_level + i % levels, train, p)) continue;
      ++drawn;
      if (split_of(p.canonical_key) != Split::kTrain || held_out.contains(p.prompt) || p.group == "held-out wording")
        FAIL() << family.name << ": " << p.canonical_key << " " << p.prompt;
    }
  }
}

// Whoever reads one of the signs otherwise is never right by chance: the rule must be found whole. And no training data tells it.
TEST(Tasks, ThePuzzlesAnswersHangOnBothSigns) {
  for (uint64_t i = 0; i < 3000; ++i)
    EXPECT_FALSE(draw_problem(find_family("signs-b7"), 0, Split::kTrain, 3, i).prompt.ends_with("with # for * and & for -."));
  for (uint64_t i = 0; i < 500; ++i) {
    const Problem p = draw_problem(find_family("puzzle"), 0, Split::kTest, 3, i);
    const size_t from = p.prompt.find('('), to = p.prompt.rfind(')');
    for (const char hash : {'+', '-', '*'})
      for (const char ampersand : {'+', '-', '*'}) {
        std::string plain = p.prompt.substr(from, to - from + 1);
        for (char& c : plain) c = c == '#' ? hash : c == '&' ? ampersand : c;
        const auto value = check::Expression(plain, nullptr).value();
        ASSERT_TRUE(value);
        EXPECT_EQ(p.gold == std::to_string((value->n % 97 + 97) % 97), hash == '*' && ampersand == '-') << p.prompt;
      }
  }
}

TEST(Tasks, CountedKeys) {
  EXPECT_EQ(count_keys(find_family("products-b2"), 1, 5000), 45) << "pairs of 1-9";
  EXPECT_EQ(count_keys(find_family("digits-b1"), 1, 5000), 55 + 100);
  EXPECT_EQ(count_keys(find_family("digits-b1"), 2, 20000), 90 * 91 / 2 + 90 * 90);
  for (const char* name : {"countdown-a3", "expressions-b3", "signs-b7", "puzzle", "words"}) EXPECT_EQ(count_keys(find_family(name), 0, 5000), 5000) << name;
  for (int level = 1; level <= 4; ++level) EXPECT_EQ(count_keys(find_family("words"), level, 5000), 5000) << level;
}

std::vector<std::string> words_of(const std::string& prompt) {  // numbers as #
  std::vector<std::string> words;
  std::istringstream in(prompt);
  for (std::string word; in >> word;) {
    const bool number = std::isdigit(static_cast<unsigned char>(word[0]));
    words.push_back(number ? "#" : word);
  }
  return words;
}

std::set<std::string> ten_grams(const std::string& prompt) {
  const auto words = words_of(prompt);
  std::set<std::string> grams;
  for (size_t i = 0; i + 10 <= words.size(); ++i) {
    std::string gram;
    for (size_t k = i; k < i + 10; ++k) gram += words[k] + " ";
    grams.insert(gram);
  }
  return grams;
}

TEST(Words, AFifthOfTheWordingsIsHeldOut) {
  const Family& family = find_family("words");
  std::set<int> wordings[3], apart;
  std::set<std::string> trained;
  for (uint64_t i = 0; i < 6000; ++i) {
    const Problem p = draw_problem(family, 0, Split::kTrain, 1, i);
    wordings[int(Split::kTrain)].insert(check::wording_of(p.prompt));
    trained.merge(ten_grams(p.prompt));
  }
  int of_test = 0;
  for (const Split split : {Split::kTest, Split::kCalibration})
    for (uint64_t i = 0; i < 2000; ++i) {
      const Problem p = draw_problem(family, 0, split, 1, i);
      const int wording = check::wording_of(p.prompt);
      wordings[int(split)].insert(wording);
      if (p.group.empty()) continue;
      EXPECT_EQ(p.group, "held-out wording");
      apart.insert(wording);
      of_test += split == Split::kTest;
      for (const std::string& gram : ten_grams(p.prompt)) EXPECT_FALSE(trained.contains(gram)) << gram;
    }
  EXPECT_EQ(wordings[int(Split::kTrain)].size(), 32u);
  EXPECT_EQ(wordings[int(Split::kTest)].size(), 40u);
  EXPECT_EQ(wordings[int(Split::kCalibration)].size(), 40u);
  EXPECT_EQ(apart.size(), 8u);
  for (const int wording : apart) EXPECT_FALSE(wordings[int(Split::kTrain)].contains(wording)) << check::kWordings[wording].phrase;
  EXPECT_NEAR(of_test / 2000.0, 0.2, 0.05);
}

TEST(Tasks, BadNamesAndLevels) {
  EXPECT_THROW(find_family("countdown"), UsageError);
  EXPECT_THROW(parse_split("validation"), UsageError);
  EXPECT_THROW(draw_problem(find_family("digits-b1"), 7, Split::kTrain, 1, 0), UsageError);
}

}  // namespace
}  // namespace minke
