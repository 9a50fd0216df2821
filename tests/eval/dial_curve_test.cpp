// Settings replayed on recorded samples of an imaginary model.
#include "eval/dial_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dial/calibrate.h"
#include "dial/synthetic.h"

namespace minke {
namespace {

using Json = nlohmann::json;

class DialCurveTest : public testing::Test {
 protected:
  void SetUp() override {
    problems_ = synthetic_problems(2, 240, 3, {});
    profile_.automatic = calibrate(synthetic_problems(1, 120, 3, {}), {}).table;
  }
  std::vector<RecordedProblem> problems_;
  EffortProfile profile_;
};

TEST_F(DialCurveTest, EffortsThenSixPrices) {
  const std::vector<CurvePoint> points = dial_curve(problems_, profile_, true);
  ASSERT_EQ(points.size(), 13u);
  for (size_t i = 1; i < 6; ++i) EXPECT_GT(points[i].mean_tokens, points[i - 1].mean_tokens);
  for (size_t i = 8; i < 13; ++i) EXPECT_GT(*points[i].price, *points[i - 1].price);
  EXPECT_GT(points[7].mean_tokens, points[12].mean_tokens) << "a higher price, fewer tokens";
  EXPECT_GT(points[5].accuracy, points[0].accuracy + 0.2);
  // off, by hand.
  double right = 0, tokens = 0;
  for (const RecordedProblem& p : problems_) right += p.arms[0].samples[0].right, tokens += double(p.arms[0].samples[0].tokens + 30);
  EXPECT_DOUBLE_EQ(points[0].accuracy, right / 240);
  EXPECT_DOUBLE_EQ(points[0].mean_tokens, tokens / 240);

  const Json j = Json::parse(curve_json(points[5], problems_));
  EXPECT_EQ(j["effort"], "max");
  EXPECT_TRUE(j["price"].is_null());
  EXPECT_EQ(j["n"], 240);
  EXPECT_EQ(j["levels"].size(), 3u);
  double all = 0;
  for (const Json& l : j["levels"]) all += l["accuracy"].get<double>() / 3;
  EXPECT_NEAR(all, points[5].accuracy, 1e-12);
  EXPECT_GT(Json::parse(curve_json(points[9], problems_))["price"], 0);

  // With a checker max is right where any of eight samples is, and ends there.
  for (RecordedProblem& p : problems_) p.checker = true;
  const CurvePoint checked = dial_curve(problems_, profile_, true)[5];
  double any = 0;
  for (const RecordedProblem& p : problems_) any += std::any_of(p.arms.back().samples.begin(), p.arms.back().samples.end(), [](const RecordedSample& s) { return s.right; });
  EXPECT_DOUBLE_EQ(checked.accuracy, any / 240);
  EXPECT_EQ(dial_curve(problems_, profile_, false)[5].accuracy, points[5].accuracy);

  profile_.automatic.reset();
  EXPECT_EQ(dial_curve(problems_, profile_, false).size(), 7u);
}

TEST_F(DialCurveTest, RivalsAndTheControl) {
  const std::vector<CurvePoint> points = dial_rivals(problems_, profile_, 7);
  int fixed = 0, shuffled = 0;
  double control = 0, informed = 0;
  for (const CurvePoint& p : points) {
    ASSERT_EQ(p.right.size(), 240u);
    fixed += p.kind == CurveKind::kFixed;
    shuffled += p.kind == CurveKind::kShuffled;
    if (p.kind == CurveKind::kShuffled) control += p.accuracy;
    const Json j = Json::parse(setting_json(p));
    EXPECT_EQ(j["kind"], curve_kind_name(p.kind));
    EXPECT_EQ(j["tokens"].size(), 240u);
  }
  EXPECT_EQ(fixed, 5 * 8 + 5 * 4) << "eight numbers of samples, and max's early stop where it can come";
  EXPECT_EQ(shuffled, 6);
  for (const CurvePoint& p : dial_curve(problems_, profile_, false)) informed += p.kind == CurveKind::kPrice ? p.accuracy : 0;
  EXPECT_GT(informed, control) << "it matters which problems get the samples";
  EXPECT_EQ(setting_json(points[0]), setting_json(dial_rivals(problems_, profile_, 7)[0]));
  EXPECT_EQ(Json::parse(problems_json(problems_))["level"].size(), 240u);
}

}  // namespace
}  // namespace minke
