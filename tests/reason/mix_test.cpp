#include "reason/mix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/error.h"

namespace minke {
namespace {

TEST(Mix, Pieces) {
  EXPECT_EQ(count_pieces(""), 0);
  EXPECT_EQ(count_pieces("What is 12 + 7?"), 9);  // What| is| |1|2| +| |7|?
  EXPECT_EQ(count_pieces("x=3; y=x*41\n"), 11);
}

TEST(Mix, SharesHold) {
  const MixWeights weights;
  double pieces[kMixForms] = {}, total = 0;
  for (uint64_t block = 0; block < 4; ++block)
    for (const MixDocument& d : mix_block(weights, Split::kTrain, 1, block, 40'000)) {
      pieces[int(d.form)] += double(count_pieces(d.text));
      total += double(count_pieces(d.text));
    }
  const double expected[kMixForms] = {1 / 3.0, 1 / 3.0, 1 / 6.0, 1 / 6.0};
  for (int f = 0; f < kMixForms; ++f) EXPECT_NEAR(pieces[f] / total, expected[f], 0.02) << mix_form_name(MixForm(f));
}

TEST(Mix, ChosenChains) {
  const ChainWeight half = parse_chain_weight("expressions-b3 0.5 2-4");
  EXPECT_EQ(half.family, "expressions-b3");
  EXPECT_EQ(half.weight, 0.5);
  EXPECT_EQ(half.low, 2);
  EXPECT_EQ(half.high, 4);
  EXPECT_EQ(parse_chain_weight("digits-b1 2").low, 0);
  EXPECT_EQ(parse_chain_weight("digits-b1 2 3").high, 3);
  for (const char* bad : {"", "digits-b1", "digits-b1 0", "digits-b1 -1", "digits-b1 x", "nothing 1", "digits-b1 1 7", "digits-b1 1 3-2", "digits-b1 1 3-", "digits-b1 1 3 4"})
    EXPECT_THROW(parse_chain_weight(bad), UsageError) << bad;

  MixWeights weights{{0, 1, 0, 1}, {half, {"countdown-a3", 1.5}}};
  std::map<std::string, int> kinds, signs;
  for (const MixDocument& d : mix_block(weights, Split::kTrain, 1, 0, 200'000)) {
    const std::string& key = d.keys.at(0);
    const std::string kind = key.substr(0, key.find(':'));
    ++kinds[kind];
    if (kind != "expressions") continue;
    const long operations = std::count_if(key.begin(), key.end(), [](char c) { return c == '+' || c == '-' || c == '*'; });
    EXPECT_GE(operations, 2) << key;
    EXPECT_LE(operations, 4) << key;
    ++signs[std::to_string(operations)];
  }
  EXPECT_EQ(kinds.size(), 2u);
  EXPECT_NEAR(double(kinds["countdown"]) / (kinds["countdown"] + kinds["expressions"]), 0.75, 0.05);
  for (const char* operations : {"2", "3", "4"}) EXPECT_GT(signs[operations], 0.25 * kinds["expressions"]) << operations;
}

// The list is what the documents show: a family outside it can change and the mix stays.
TEST(Mix, DrawnFamiliesAreThoseOfTheDocuments) {
  const ChainWeight digits{"digits-b1", 1}, words{"words", 1};
  const MixWeights mixes[] = {{}, {{0, 1, 0, 0}, {}}, {{0, 0, 1, 0}, {digits}}, {{0, 0, 0, 1}, {}}, {{1, 1, 0, 1}, {digits, words}}, {{1, 0, 0, 0}, {digits}}};
  const auto kind = [](const std::string& key) { return key.substr(0, key.find(':')); };
  for (const MixWeights& weights : mixes) {
    std::set<std::string> listed, found;
    for (const std::string& name : drawn_families(weights)) listed.insert(kind(draw_problem(find_family(name), 0, Split::kTrain, 1, 1).canonical_key));
    for (const MixDocument& d : mix_block(weights, Split::kTrain, 1, 0, 100'000))
      if (d.form != MixForm::kFacts) found.insert(kind(d.keys.at(0)));
    EXPECT_EQ(found, listed);
  }
  EXPECT_EQ(drawn_families({}).size(), 11u) << "all but words";
}

TEST(Mix, OnlyTrainKeys) {
  int keys = 0;
  for (const MixDocument& d : mix_block({}, Split::kTrain, 3, 0, 400'000))
    for (const std::string& key : d.keys) {
      EXPECT_EQ(split_of(key), Split::kTrain) << key << " in " << d.text;
      ++keys;
    }
  EXPECT_GT(keys, 3000);
}

// A key list that leaves problems out would pass the test above: read the facts back and rebuild their keys from the words.
TEST(Mix, FactsListTheirKeys) {
  int read = 0;
  for (const MixDocument& d : mix_block({{1, 0, 0, 0}}, Split::kTrain, 4, 0, 100'000)) {
    size_t from = 0;
    while (from < d.text.size()) {
      const size_t to = std::min(d.text.find('\n', from), d.text.size());
      const std::string line = d.text.substr(from, to - from);
      from = to + 1;
      long long a, b, c;
      char op;
      std::string key;
      if (std::sscanf(line.c_str(), "%lld %c %lld = %lld", &a, &op, &b, &c) == 4) {
        EXPECT_EQ(c, op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b) << line;
        if (op == '/') a = c;
        if (op != '-' && a > b) std::swap(a, b);
        key = std::string(op == '*' || op == '/' ? "products:" : "digits:") + std::to_string(a) + (op == '/' ? '*' : op) + std::to_string(b);
      } else if (std::sscanf(line.c_str(), "%lld times %lld is %lld", &a, &b, &c) == 3) {
        EXPECT_EQ(c, a * b) << line;
        key = "products:" + std::to_string(std::min(a, b)) + "*" + std::to_string(std::max(a, b));
      } else {
        continue;
      }
      ++read;
      EXPECT_EQ(split_of(key), Split::kTrain) << line;
      EXPECT_NE(std::find(d.keys.begin(), d.keys.end(), key), d.keys.end()) << line << " has no key " << key;
    }
  }
  EXPECT_GT(read, 500);
}

TEST(Mix, BlocksArePureAndDiffer) {
  const auto a = mix_block({}, Split::kTrain, 5, 3, 20'000), b = mix_block({}, Split::kTrain, 5, 3, 20'000);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].text, b[i].text);
  EXPECT_NE(mix_block({}, Split::kTrain, 5, 4, 20'000)[0].text, a[0].text);
  EXPECT_NE(mix_block({}, Split::kTrain, 6, 3, 20'000)[0].text, a[0].text);
}

TEST(Mix, InstructionsAnswerAtOnce) {
  for (const MixDocument& d : mix_block({{0, 0, 0, 1}}, Split::kTrain, 5, 0, 5'000)) {
    EXPECT_TRUE(d.text.starts_with("<｜User｜>"));
    EXPECT_NE(d.text.find("<｜Assistant｜>"), std::string::npos);
    EXPECT_EQ(d.text.find("Answer:"), std::string::npos);
  }
}

TEST(Mix, RefusesWeightsWithoutMass) {
  EXPECT_THROW(mix_block({{0, 0, 0, 0}}, Split::kTrain, 1, 0, 100), Error);
  EXPECT_THROW(mix_block({{1, -1, 0, 0}}, Split::kTrain, 1, 0, 100), Error);
}

}  // namespace
}  // namespace minke
