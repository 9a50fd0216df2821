// From recorded samples to a table, and what the table says on other problems.
#include "dial/calibrate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "dial/synthetic.h"

namespace minke {
namespace {

EffortProfile plain() { return {}; }

struct Mean {
  double right = 0, tokens = 0;
};
Mean mean_of(const EffortPlan& plan, const EffortProfile& profile, const std::vector<RecordedProblem>& problems) {
  Mean m;
  for (const RecordedProblem& p : problems) {
    const Replay r = replay(plan, profile, p);
    m.right += r.right / double(problems.size());
    m.tokens += double(r.cost()) / double(problems.size());
  }
  return m;
}
Mean at_price(double price, EffortProfile profile, const std::vector<RecordedProblem>& problems) {
  profile.price = price;
  return mean_of(plan_effort(parse_effort("auto"), profile), profile, problems);
}

EffortProfile calibrated(const std::vector<RecordedProblem>& problems) {
  EffortProfile p;
  Calibration c = calibrate(problems, p);
  p.automatic = std::move(c.table);
  return p;
}

// Every arm at every number of samples, with and without max's early stop.
std::vector<Mean> fixed_settings(const EffortProfile& profile, const std::vector<RecordedProblem>& problems) {
  std::vector<Mean> out;
  for (const std::string& arm : dial_arms(profile))
    for (const int64_t k : {1, 2, 3, 4, 8})
      for (const EffortRule rule : {EffortRule::kAll, EffortRule::kVotes}) {
        EffortPlan plan = plan_effort(parse_effort(arm), profile);
        plan.samples = k;
        plan.rule = rule;
        out.push_back(mean_of(plan, profile, problems));
      }
  return out;
}

// The best mixture of two settings at these tokens.
double hull_at(double tokens, const std::vector<Mean>& settings) {
  double best = 0;
  for (const Mean& a : settings) {
    if (a.tokens > tokens) continue;
    best = std::max(best, a.right);
    for (const Mean& b : settings)
      if (b.tokens > tokens) best = std::max(best, a.right + (b.right - a.right) * (tokens - a.tokens) / (b.tokens - a.tokens));
  }
  return best;
}

TEST(Calibrate, PricesRunFromTheCheapestToTheBest) {
  const EffortProfile p = calibrated(synthetic_problems(1, 400, 4, plain()));
  const std::vector<RecordedProblem> fresh = synthetic_problems(2, 500, 4, plain());
  const std::vector<AutoPolicy>& policies = p.automatic->policies;
  EXPECT_EQ(policies.back().path.size(), 1u);
  EXPECT_EQ(p.automatic->arms[policies.back().path[0]].effort, "off");
  EXPECT_GT(policies.front().path.size(), 4u);
  const Mean cheap = at_price(policies.back().price, p, fresh), best = at_price(policies.front().price, p, fresh), maximum = mean_of(plan_effort(parse_effort("max"), p), p, fresh);
  EXPECT_LT(cheap.tokens, 45);
  EXPECT_GT(best.right, maximum.right - 0.03);
  // Where the file's own price stands: near the best, for less.
  const Mean own = at_price(0, p, fresh);
  EXPECT_GT(own.right, best.right - 0.03);
  EXPECT_LT(own.tokens, 0.8 * maximum.tokens);
  for (size_t i = 1; i < policies.size(); ++i) EXPECT_LE(policies[i].tokens, policies[i - 1].tokens * 1.05) << i;
  // What calibration expects is what other problems show.
  for (size_t i = 0; i < policies.size(); i += 3) {
    const Mean m = at_price(policies[i].price, p, fresh);
    EXPECT_NEAR(m.right, policies[i].accuracy, 0.08) << i;
    EXPECT_NEAR(m.tokens, policies[i].tokens, 0.15 * policies[i].tokens) << i;
  }
}

// On mixed levels auto beats the hull of all fixed settings, on one level it does not fall below it by more than chance, and without what it
// knows of the problem it does.
TEST(Calibrate, AgainstTheHullOfFixedSettings) {
  for (const int levels : {4, 0}) {
    const EffortProfile p = calibrated(synthetic_problems(1, 400, levels, plain()));
    const std::vector<RecordedProblem> fresh = synthetic_problems(2, 1200, levels, plain());
    const std::vector<Mean> fixed = fixed_settings(p, fresh);
    double sum = 0;
    int n = 0;
    for (size_t i = 4; i < p.automatic->policies.size(); i += 4) {
      const Mean m = at_price(p.automatic->policies[i].price, p, fresh);
      const double above = m.right - hull_at(m.tokens, fixed);
      EXPECT_GT(above, -0.02) << levels << " levels, price " << p.automatic->policies[i].price;
      sum += above, ++n;
    }
    EXPECT_GT(sum / n, levels ? 0.01 : -0.005);
  }
}

// Of the answers that max gives with the calibrated quorum 87 of 100 are right in every family, on other problems about as many; without one fewer.
TEST(Calibrate, QuorumKeepsGivenAnswersRight) {
  EffortProfile p = plain();
  p.quorum = calibrate(synthetic_problems(1, 400, 7, p), p).quorum;
  EXPECT_GT(p.quorum, 0.25);
  EXPECT_LE(p.quorum, 0.625);
  const auto right_of_given = [&](double quorum) {
    EffortProfile q = p;
    q.quorum = quorum;
    double given = 0, right = 0;
    for (const RecordedProblem& problem : synthetic_problems(2, 800, 7, p)) {
      const Replay r = replay(plan_effort(parse_effort("max"), q), q, problem);
      given += r.answers, right += r.right;
    }
    return right / given;
  };
  EXPECT_GT(right_of_given(p.quorum), 0.84);
  EXPECT_LT(right_of_given(0), 0.84);

  // A family that it masters does not hide one that it does not.
  std::vector<RecordedProblem> two = synthetic_problems(1, 400, 7, p), easy = synthetic_problems(3, 600, 1, p);
  for (RecordedProblem& problem : easy) problem.family = "easy";
  two.insert(two.end(), easy.begin(), easy.end());
  EXPECT_EQ(calibrate(two, p).quorum, p.quorum);
}

TEST(Calibrate, TheFileSaysTheSame) {
  EffortProfile p = calibrated(synthetic_problems(3, 100, 4, plain()));
  const EffortProfile q = EffortProfile::from_json(p.json(), "x.json", 2048);
  EXPECT_EQ(q.json(), p.json());
  for (const AutoPolicy& policy : p.automatic->policies)
    for (const RecordedProblem& problem : synthetic_problems(4, 40, 4, plain())) {
      EffortProfile a = p, b = q;
      a.price = b.price = policy.price;
      const EffortPlan plan = plan_effort(parse_effort("auto"), a);
      EXPECT_EQ(replay(plan, a, problem).asked, replay(plan, b, problem).asked);
    }
}

TEST(Calibrate, BeliefsAddUp) {
  const BeliefVote sure{0, 0.9}, unsure{0, 0.6}, other{1, 0.6}, nothing{-1, 0.5};
  const auto right = [](std::vector<BeliefVote> votes) { return believe(votes, 0.3).right; };
  EXPECT_NEAR(right({sure}), 0.9, 1e-9) << "one vote is worth what it was calibrated to";
  EXPECT_NEAR(right({unsure, nothing}), 0.6, 1e-9);
  EXPECT_GT(right({unsure, unsure}), 0.8);
  EXPECT_LT(right({unsure, other}), 0.6);
  EXPECT_EQ(believe(std::vector{other, sure}, 0.3).leader, 0) << "a surer vote counts more";
  EXPECT_EQ(believe(std::vector{other, unsure}, 0.3).leader, 1) << "of equals the first";
  EXPECT_EQ(believe(std::vector{nothing}, 0.3).leader, -1);
  EXPECT_EQ(believe({}, 0.3).leader, -1);
}

TEST(Calibrate, RecordsAreReadBack) {
  const std::string path = (std::filesystem::temp_directory_path() / ("minke-records-" + std::to_string(getpid()) + ".jsonl")).string();
  const std::vector<RecordedProblem> problems = synthetic_problems(5, 3, 2, plain());
  write_records(path, problems);
  const std::vector<RecordedProblem> back = read_records(path);
  std::filesystem::remove(path);
  ASSERT_EQ(back.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back[i].id, problems[i].id);
    EXPECT_EQ(back[i].level, problems[i].level);
    ASSERT_EQ(back[i].arms.size(), 5u);
    for (size_t a = 0; a < 5; ++a) EXPECT_EQ(back[i].arms[a].samples, problems[i].arms[a].samples);
  }
}

TEST(Calibrate, Refuses) {
  EXPECT_THROW(calibrate(synthetic_problems(1, 20, 4, plain()), plain()), Error);
  std::vector<RecordedProblem> problems = synthetic_problems(1, 60, 4, plain());
  problems[7].arms[2].samples.resize(3);
  EXPECT_THROW(calibrate(problems, plain()), Error);
  for (const char* bad : {R"({"auto": {}})", R"({"auto": {"price": 1, "coincidence": 0.5, "arms": [], "policies": []}})",
                          R"({"auto": {"price": 1, "coincidence": 0.5, "arms": [{"effort": "max", "confidence": [], "right": [0.5]}], "policies": [{}]}})",
                          R"({"auto": {"price": 1, "coincidence": 0.5, "arms": [{"effort": "off", "confidence": [0.5], "right": [0.5]}], "policies": [{}]}})",
                          R"({"auto": {"price": 1, "coincidence": 0.5, "arms": [{"effort": "off", "confidence": [], "right": [0.5]}],
                              "policies": [{"price": 1, "path": ["low"], "go_on": [], "accuracy": 0.5, "tokens": 3}]}})",
                          R"({"auto": {"price": 1, "coincidence": 0.5, "arms": [{"effort": "off", "confidence": [], "right": [0.5]}],
                              "policies": [{"price": 1, "path": ["off", "off"], "go_on": [], "accuracy": 0.5, "tokens": 3}]}})"})
    EXPECT_THROW(EffortProfile::from_json(bad, "x.json", 2048), Error) << bad;
}

}  // namespace
}  // namespace minke
