#include "reason/problem_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "base/error.h"
#include "reason/json_objects.h"
#include "reason/judge.h"

namespace minke {
namespace {

std::string written(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string lines(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += fmt::format("{{\"prompt\": \"What is {} + 1?\", \"answer\": {}, \"level\": {}}}\n", i, i + 1, 1 + i % 3);
  return text;
}

std::string message(const SourceOptions& options) {
  try {
    ProblemSource::open(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(JsonObjects, NumbersAsWritten) {
  JsonObject o;
  const auto read = [&](std::string_view text) { return read_json_objects(text, [&](JsonObject&& x) { o = std::move(x); }); };
  EXPECT_EQ(read(R"({"a": 12345678901234567890123, "b": 1.10, "c": -3, "d": "x\u00e9", "e": [1, {"a": 2}], "f": null, "g": {"a": {"b": 1}}})"), "");
  EXPECT_EQ(o["a"].text, "12345678901234567890123");
  EXPECT_EQ(o["b"].text, "1.10");
  EXPECT_EQ(o["c"].text, "-3");
  EXPECT_EQ(o["d"].text, "xé");
  EXPECT_EQ(o["e"].kind, JsonField::kOther);
  EXPECT_EQ(o["f"].kind, JsonField::kOther);
  EXPECT_EQ(o["g"].kind, JsonField::kOther);
  EXPECT_EQ(o.size(), 7u);
  EXPECT_EQ(read(R"({"a": 1, "a": 2})"), "the key \"a\" stands twice");
  EXPECT_EQ(read("{\"a\": \"\xff\"}"), "not JSON at byte 8");
  EXPECT_NE(read(R"({"a": 1)"), "");
  EXPECT_NE(read(R"({"a": 1} {"a": 2})"), "");
  EXPECT_EQ(read("[1]"), "not an object");
  EXPECT_EQ(read("3"), "not an object");
  std::vector<std::string> all;
  EXPECT_EQ(read_json_objects(R"([{"a": 1, "b": [{"a": 9}]}, {"a": 2}])", [&](JsonObject&& x) { all.push_back(x["a"].text); }), "");
  EXPECT_EQ(all, (std::vector<std::string>{"1", "2"}));
}

TEST(Permuted, IsAPermutation) {
  for (const uint64_t n : {1u, 2u, 3u, 17u, 64u, 1000u}) {
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < n; ++i) seen.insert(permuted(i, n, 5, 6));
    EXPECT_EQ(seen.size(), n);
    EXPECT_LT(*seen.rbegin(), n);
  }
  int same = 0;
  for (uint64_t i = 0; i < 1000; ++i) same += permuted(i, 1000, 5, 6) == permuted(i, 1000, 5, 7);
  EXPECT_LT(same, 20);
}

TEST(ProblemSource, AFamilyIsAsDrawn) {
  const ProblemSource source = ProblemSource::open({"countdown-a3"});
  EXPECT_EQ(source.name(), "countdown-a3");
  EXPECT_FALSE(source.size(Split::kTest));
  EXPECT_EQ(source.train(3, 17).id, "countdown-a3/3/train/3/17");
  EXPECT_EQ(source.held_out(Split::kTest, 1, 600).size(), 600u);
  EXPECT_EQ(source.known_keys(), 5000);
  const ProblemSource small = ProblemSource::open({.task = "products-b2", .level = 1});
  EXPECT_EQ(small.known_keys(), 45);
  EXPECT_THROW(small.held_out(Split::kTest, 1, 500), Error);
  EXPECT_THROW(ProblemSource::open({.task = "products-b2", .level = 9}), UsageError);
  EXPECT_THROW(ProblemSource::open({.task = "products-b2", .data = "x.jsonl"}), UsageError);
  EXPECT_NE(message({"no-such-task"}).find("neither a file nor a task; expected a .jsonl file or one of countdown-a1,"), std::string::npos);
}

TEST(ProblemSource, AFileIsSplitByItsPrompts) {
  for (const int n : {8, 40, 200, 499, 1200}) {
    const ProblemSource source = ProblemSource::open({written("mine.jsonl", lines(n))});
    EXPECT_EQ(source.name(), "mine");
    const int64_t test = *source.size(Split::kTest), calibration = *source.size(Split::kCalibration), train = *source.size(Split::kTrain);
    EXPECT_EQ(test + calibration + train, n);
    EXPECT_EQ(source.known_keys(), n);
    if (n < 500) {
      EXPECT_EQ(test, std::min(50, n / 4));
      EXPECT_EQ(calibration, std::min(25, n / 8));
    } else {
      EXPECT_NEAR(double(test), n / 10.0, 40);
    }
    std::set<std::string> held_out;
    for (const Split split : {Split::kTest, Split::kCalibration})
      for (const Problem& p : source.held_out(split, 4, *source.size(split))) EXPECT_TRUE(held_out.insert(p.canonical_key).second);
    EXPECT_EQ(int64_t(held_out.size()), test + calibration);
    std::set<std::string> first_epoch;
    for (int64_t i = 0; i < 3 * train; ++i) {
      const Problem p = source.train(9, uint64_t(i));
      EXPECT_FALSE(held_out.contains(p.canonical_key)) << p.prompt;
      if (i < train) first_epoch.insert(p.canonical_key);
    }
    EXPECT_EQ(int64_t(first_epoch.size()), train) << "an epoch meets every problem once";
  }
}

TEST(ProblemSource, SeedsChooseAmongTheHeldOut) {
  const ProblemSource source = ProblemSource::open({written("mine.jsonl", lines(400))});
  const auto keys = [&](uint64_t seed) {
    std::vector<std::string> out;
    for (const Problem& p : source.held_out(Split::kTest, seed, 20)) out.push_back(p.canonical_key);
    return out;
  };
  EXPECT_EQ(keys(1), keys(1));
  EXPECT_NE(keys(1), keys(2));
  try {
    source.held_out(Split::kTest, 1, 51);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("the test split of " + testing::TempDir() + "mine.jsonl holds 50 problems, fewer than the 51 asked for"),
              std::string::npos) << e.what();
  }
}

TEST(ProblemSource, LevelsKeepTheSplits) {
  const std::string path = written("mine.jsonl", lines(300));
  std::set<std::string> test;
  const ProblemSource all = ProblemSource::open({path});
  for (const Problem& p : all.held_out(Split::kTest, 1, *all.size(Split::kTest))) test.insert(p.canonical_key);
  int64_t sum = 0;
  for (int level = 1; level <= 3; ++level) {
    const ProblemSource source = ProblemSource::open({.task = path, .level = level});
    const int64_t n = *source.size(Split::kTest);
    sum += n;
    for (const Problem& p : source.held_out(Split::kTest, 1, n)) {
      EXPECT_TRUE(test.contains(p.canonical_key));
      EXPECT_EQ(p.level, level);
    }
  }
  EXPECT_EQ(sum, int64_t(test.size()));
  EXPECT_NE(message({.task = path, .level = 4}).find("has no level 4; expected one of 1, 2, 3"), std::string::npos);
}

TEST(ProblemSource, WholeFilesAreEvaluatedOnly) {
  const ProblemSource source = ProblemSource::open({.task = written("mine.jsonl", lines(3)), .whole = true});
  EXPECT_EQ(source.size(Split::kTest), 3);
  EXPECT_EQ(source.held_out(Split::kTest, 1, 3).size(), 3u);
  EXPECT_THROW(source.train(1, 0), Error);
}

const char* const kBad[] = {"{\"prompt\": \"a\"}", "nonsense", "{\"prompt\": \"\", \"answer\": 1}", "{\"prompt\": \"b\", \"answer\": \"?\"}",
                            "{\"prompt\": \"c\", \"answer\": [1]}", "[1, 2]", "{\"prompt\": \"d\", \"answer\": 1, \"level\": \"hard\"}",
                            "{\"prompt\": 5, \"answer\": 1}", "{\"prompt\": \"What  is 0 +\\u00a01?\", \"answer\": 1", "{\"answer\": 1}"};

TEST(ProblemSource, EveryMalformedLineIsListed) {
  std::string text = lines(10);
  for (const char* bad : kBad) text += std::string(bad) + "\n";
  text += "\n{\"prompt\": \"What is  0 + 1?\", \"answer\": 2}\r\n";  // line 22: line 1 again, in other blanks, with another answer
  text += "{\"prompt\": \"What is 0 + 1?\", \"answer\": \"1\"}\n";    // line 23: line 1 again
  const std::string path = written("bad.jsonl", text), why = message({path});
  EXPECT_NE(why.find("bad.jsonl: 11 of 22 lines are malformed; --skip-bad goes on without them\n"), std::string::npos) << why;
  for (int line = 11; line <= 20; ++line) EXPECT_NE(why.find(fmt::format("\n  line {}: ", line)), std::string::npos) << line << why;
  EXPECT_NE(why.find("\n  line 22: the prompt of line 1 with another answer"), std::string::npos) << why;
  EXPECT_NE(why.find("line 11: no \"answer\""), std::string::npos);
  EXPECT_NE(why.find("line 12: not a JSON object"), std::string::npos);
  EXPECT_NE(why.find("line 14: the answer is `?`"), std::string::npos);
  const ProblemSource source = ProblemSource::open({.task = path, .skip_bad = true});
  EXPECT_EQ(source.skipped(), 11);
  EXPECT_EQ(source.duplicates(), 1);
  EXPECT_EQ(source.known_keys(), 10);
  EXPECT_EQ(source.passed_over(), "11 malformed lines passed over, 1 repeated problems dropped");

  std::string many = lines(10);
  for (int i = 0; i < 33; ++i) many += "oops\n";
  const std::string long_list = message({written("many.jsonl", many)});
  EXPECT_NE(long_list.find("line 30: "), std::string::npos);
  EXPECT_EQ(long_list.find("line 31: "), std::string::npos);
  EXPECT_NE(long_list.find("and 13 more: lines 31, 32, 33,"), std::string::npos) << long_list;
  EXPECT_TRUE(long_list.ends_with(" 43"));
}

TEST(ProblemSource, BadFiles) {
  EXPECT_NE(message({written("empty.jsonl", "\n\n")}).find("holds no problem"), std::string::npos);
  EXPECT_NE(message({written("few.jsonl", lines(5))}).find("holds 5 problems; expected at least 8"), std::string::npos);
  EXPECT_NE(message({"gsm8k"}).find("gsm8k needs --data FILE"), std::string::npos);
  EXPECT_NE(message({.task = "gsm8k", .data = "/nowhere.jsonl"}).find("/nowhere.jsonl"), std::string::npos);
}

TEST(ProblemSource, GoldsOfAUsersFile) {
  std::string text = "\xEF\xBB\xBF{\"prompt\": \"Capital of France?\", \"answer\": \"Paris\"}\r\n{\"prompt\": \"1/3 as a fraction\", \"answer\": \"1/3\"}\n"
                     "{\"prompt\": \"big\", \"answer\": 123456789012345678901234567890}\n{\"prompt\": \"tenths\", \"answer\": 1.50}\n";
  const ProblemSource source = ProblemSource::open({.task = written("golds.jsonl", text), .whole = true});
  for (const Problem& p : source.held_out(Split::kTest, 1, 4)) {
    EXPECT_EQ(p.gold_is_text, p.gold == "Paris");
    EXPECT_EQ(judge(p, "</think>\\boxed{" + p.gold + "}", GradeMode::kStrict).outcome, Outcome::kRight) << p.gold;
    EXPECT_EQ(judge(p, "</think>\\boxed{PARIS}", GradeMode::kStrict).outcome, p.gold == "Paris" ? Outcome::kRight : Outcome::kWrong);
    EXPECT_TRUE(p.gold != "1.5" && p.gold.find('e') == std::string::npos) << "numbers stay as they were written";
  }
}

// The published forms, on lines of our own.
TEST(ProblemSource, DataSets) {
  const auto one = [](const char* task, const std::string& text) {
    const ProblemSource source = ProblemSource::open({.task = task, .data = written("set.jsonl", text), .whole = true});
    return source.held_out(Split::kTest, 1, 1)[0];
  };
  const Problem g = one("gsm8k", R"({"question": "Tom has 600 pens twice.", "answer": "600*2 = <<600*2=1200>>1200\n#### 1,200"})");
  EXPECT_EQ(g.prompt, "Tom has 600 pens twice.");
  EXPECT_EQ(g.gold, "1200");
  EXPECT_EQ(g.family, "gsm8k");
  EXPECT_EQ(g.id, "gsm8k/1");
  const Problem s = one("svamp", R"json({"Answer":145.0,"Question":"How many a box?","Equation":"( 290.0 \/ 2.0 )","Body":"290 nuts fill 2 boxes","Type":"x","ID":"chal-1","idx":0})json");
  EXPECT_EQ(s.prompt, "290 nuts fill 2 boxes. How many a box?");
  EXPECT_EQ(s.gold, "145");
  const std::string array = R"([{"problem": "Half of $3$?", "solution": "s", "answer": "\\frac{3}{2}", "subject": "Algebra", "level": 2, "unique_id": "u"},
                                {"problem": "Half of $5$?", "solution": "s", "answer": "\\frac{5}{2}", "subject": "Prealgebra", "level": 1}])";
  const ProblemSource m = ProblemSource::open({.task = "math500", .data = written("set.json", array), .level = 2, .whole = true});
  EXPECT_EQ(m.size(Split::kTest), 1);
  const Problem p = m.held_out(Split::kTest, 1, 1)[0];
  EXPECT_EQ(p.gold, "\\frac{3}{2}");
  EXPECT_EQ(p.group, "Algebra");
  EXPECT_EQ(p.level, 2);
  EXPECT_NE(message({.task = "gsm8k", .data = written("set.jsonl", R"({"question": "q", "answer": "no mark"})")}).find("has no ####"), std::string::npos);
  EXPECT_THROW(ProblemSource::open({.task = "svamp", .data = written("s.jsonl", R"({"Body": "a", "Question": "b", "Answer": 1})"), .level = 1, .whole = true}), UsageError);
}

TEST(ProblemSource, LevelsApartKeepTheSplit) {
  const std::string path = written("minke-levels.jsonl", lines(60));
  const ProblemSource all = ProblemSource::open({path});
  ASSERT_EQ(all.levels(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(ProblemSource::open({path, "", 2}).levels(), std::vector<int>()) << "one was chosen";
  std::set<std::string> whole, parts;
  for (uint64_t i = 0; i < uint64_t(*all.size(Split::kTrain)); ++i) whole.insert(all.train(1, i).canonical_key);
  for (const int level : all.levels()) {
    const ProblemSource one = all.at_level(level);
    EXPECT_TRUE(one.levels().empty());
    for (uint64_t i = 0; i < uint64_t(*one.size(Split::kTrain)); ++i) {
      const Problem p = one.train(1, i);
      EXPECT_EQ(p.level, level);
      EXPECT_TRUE(parts.insert(p.canonical_key).second);
    }
  }
  EXPECT_EQ(parts, whole);

  const ProblemSource family = ProblemSource::open({"expressions-b3"});
  EXPECT_EQ(family.levels().size(), size_t(find_family("expressions-b3").max_level - find_family("expressions-b3").min_level + 1));
  EXPECT_EQ(family.at_level(4).train(1, 9).level, 4);
  EXPECT_TRUE(ProblemSource::open({"countdown-a3"}).levels().empty());
}

TEST(ProblemSource, HeldOutAtMost) {
  const ProblemSource file = ProblemSource::open({written("minke-few.jsonl", lines(40))});
  EXPECT_EQ(file.held_out_at_most(Split::kTest, 1, 256).size(), 10u);
  EXPECT_EQ(file.held_out_at_most(Split::kTest, 1, 4).size(), 4u);
  const ProblemSource family = ProblemSource::open({"products-b2", "", 1});  // 1 x 1 digits: a handful of problems
  EXPECT_THROW(family.held_out(Split::kTest, 1, 256), Error);
  EXPECT_THROW(family.held_out_at_most(Split::kTest, 1, 256), Error) << "fewer than 16 are no measurement";
  const ProblemSource larger = ProblemSource::open({"products-b2", "", 2});
  const size_t n = larger.held_out_at_most(Split::kTest, 1, 4096).size();
  EXPECT_GE(n, 16u);
  EXPECT_LT(n, 4096u);
}

}  // namespace
}  // namespace minke
