#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"

namespace minke {
namespace {

constexpr int64_t kDraws = 20000;

std::map<int32_t, int64_t> draw(const std::vector<float>& logits, const SamplerOptions& o) {
  std::map<int32_t, int64_t> count;
  for (int64_t i = 0; i < kDraws; ++i) ++count[sample_token(int64_t(logits.size()), logits.data(), o, 0, i)];
  return count;
}

std::set<int32_t> kept(const std::vector<float>& logits, const SamplerOptions& o) {
  std::set<int32_t> ids;
  for (const auto& [id, n] : draw(logits, o)) ids.insert(id);
  return ids;
}

SamplerOptions options(double temperature, double top_p = 1, int64_t top_k = 0, double min_p = 0, uint64_t seed = 0) {
  SamplerOptions o;
  o.temperature = temperature;
  o.top_p = top_p;
  o.top_k = top_k;
  o.min_p = min_p;
  o.seed = seed;
  return o;
}

// Probabilities 0.1, 0.4, 0.2, 0.05, 0.25 as logits.
const std::vector<float> kLogits = {std::log(0.1f), std::log(0.4f), std::log(0.2f), std::log(0.05f), std::log(0.25f)};

TEST(Sampler, GreedyTakesTheLowestIdOnATie) {
  const std::vector<float> tie = {1, 3, -2, 3, 3};
  EXPECT_EQ(sample_token(5, tie.data(), {}, 0, 0), 1);
  EXPECT_EQ(sample_token(5, kLogits.data(), options(0, 1, 0, 0, 99), 7, 123), 1);
}

TEST(Sampler, DrawsFollowTheProbabilities) {
  for (const double temperature : {0.5, 1.0, 2.0}) {
    double sum = 0;
    for (const float x : kLogits) sum += std::exp(double(x) / temperature);
    const auto count = draw(kLogits, options(temperature));
    for (int32_t id = 0; id < 5; ++id) {
      const double p = std::exp(double(kLogits[size_t(id)]) / temperature) / sum, sigma = std::sqrt(p * (1 - p) * kDraws);
      EXPECT_NEAR(double(count.at(id)), p * kDraws, 5 * sigma) << "id " << id << " at " << temperature;
    }
  }
}

// A vocabulary of real size, where only part of it is sorted: the same nucleus as sorting all of it gives.
TEST(Sampler, TopPOfALargeVocabulary) {
  constexpr int64_t n = 3000;
  std::vector<float> logits(n);
  for (int64_t i = 0; i < n; ++i) logits[size_t(i)] = float(std::sin(double(i * i)) * 3);
  for (const double top_p : {0.05, 0.5, 0.9, 0.999}) {
    std::vector<int32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[size_t(a)] != logits[size_t(b)] ? logits[size_t(a)] > logits[size_t(b)] : a < b; });
    double sum = 0, reached = 0;
    for (const float x : logits) sum += std::exp(double(x));
    std::set<int32_t> nucleus;
    for (size_t i = 0; reached < top_p * sum; ++i) {
      nucleus.insert(order[i]);
      reached += std::exp(double(logits[size_t(order[i])]));
    }
    for (int64_t i = 0; i < 400; ++i) EXPECT_TRUE(nucleus.count(sample_token(n, logits.data(), options(1, top_p), 0, i))) << top_p;
    EXPECT_GT(nucleus.size(), 32u) << "more than the first part";
  }
}

TEST(Sampler, KeepsTheStatedSets) {
  using Set = std::set<int32_t>;
  EXPECT_EQ(kept(kLogits, options(1, 1, 1)), Set({1}));
  EXPECT_EQ(kept(kLogits, options(1, 1, 3)), Set({1, 2, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 1, 99)), Set({0, 1, 2, 3, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 0.39)), Set({1}));
  EXPECT_EQ(kept(kLogits, options(1, 0.41)), Set({1, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 0.86)), Set({0, 1, 2, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 1e-9)), Set({1}));
  EXPECT_EQ(kept(kLogits, options(1, 1, 0, 0.45)), Set({1, 2, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 1, 0, 1)), Set({1}));
  // In that order: top-k 2 leaves 0.4 and 0.25, which is 0.615 and 0.385 of what is left; top-p 0.6 then keeps the first alone.
  EXPECT_EQ(kept(kLogits, options(1, 0.6, 2)), Set({1}));
  EXPECT_EQ(kept(kLogits, options(1, 0.63, 2)), Set({1, 4}));
  EXPECT_EQ(kept(kLogits, options(1, 0.86, 0, 0.3)), Set({1, 2, 4}));
  // Temperature comes first: at 0.5 the probabilities are 0.037, 0.585, 0.146, 0.009, 0.229 of the whole.
  EXPECT_EQ(kept(kLogits, options(0.5, 0.58)), Set({1}));
  EXPECT_EQ(kept(kLogits, options(0.5, 1, 0, 0.3)), Set({1, 4}));
  // A tie at the border of top-k goes to the lower id.
  EXPECT_EQ(kept({1, 2, 1, 1}, options(1, 1, 2)), Set({0, 1}));
}

TEST(Sampler, ADrawIsAFunctionOfSeedSequenceAndPosition) {
  const std::vector<float> flat(1000, 0.0f);
  const auto text = [&](uint64_t seed, uint64_t sequence) {
    std::vector<int32_t> ids;
    for (int64_t position = 0; position < 20; ++position) ids.push_back(sample_token(1000, flat.data(), options(1, 1, 0, 0, seed), sequence, position));
    return ids;
  };
  EXPECT_EQ(text(5, 0), text(5, 0));
  EXPECT_NE(text(5, 0), text(6, 0));
  EXPECT_NE(text(5, 0), text(5, 1));
  const std::vector<int32_t> ids = text(5, 0);
  EXPECT_GT(std::set<int32_t>(ids.begin(), ids.end()).size(), 15u) << "positions do not change the draw";
}

TEST(Sampler, ExtremeLogits) {
  const float inf = INFINITY;
  EXPECT_EQ(kept({-inf, 0, -inf, 1}, options(1)), std::set<int32_t>({1, 3}));
  EXPECT_EQ(kept({-3e38f, 3e38f, 0}, options(1)), std::set<int32_t>({1}));
  EXPECT_EQ(kept({0, 1e-3f}, options(1e-9)), std::set<int32_t>({1}));
}

TEST(Sampler, RefusesOptionsOutOfRangeByName) {
  const struct {
    SamplerOptions o;
    const char* says;
  } rows[] = {{options(-0.1), "--temperature"}, {options(NAN), "--temperature"},      {options(1e9), "--temperature"}, {options(1, 0), "--top-p"},
              {options(1, 1.1), "--top-p"},     {options(1, 1, -1), "--top-k"},       {options(1, 1, 0, -1), "--min-p"}, {options(1, 1, 0, 2), "--min-p"},
              {options(1, NAN), "--top-p"},     {options(1, 1, 0, NAN), "--min-p"}};
  for (const auto& row : rows) {
    try {
      row.o.validate();
      ADD_FAILURE() << row.says << " was accepted";
    } catch (const UsageError& e) {
      EXPECT_NE(std::string(e.what()).find(row.says), std::string::npos) << e.what();
    }
  }
  options(0.7, 0.95, 40, 0.05, 3).validate();
}

}  // namespace
}  // namespace minke
