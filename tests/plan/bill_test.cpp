#include "plan/bill.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace minke {
namespace {

TEST(Bill, MoneyAndShareOfTheHoursSpent) {
  const Bill b{1e6, 7.2e15, 7200, 2, 0.02, 4e12};
  EXPECT_DOUBLE_EQ(b.hours(), 2);
  EXPECT_DOUBLE_EQ(b.dollars(), 0.08);
  EXPECT_DOUBLE_EQ(b.peak_share(), 0.25);
  EXPECT_EQ(b.json()["flop"], 7.2e15);
  EXPECT_NE(b.text().find("7.2 PFLOP, 25.0% of the peak"), std::string::npos) << b.text();
}

TEST(Bill, V3sOwnTrainingAtV3sOwnRateIsWhatTheReportSays) {
  // 14.8T tokens of 250.4 GFLOP: 2.664M H800-hours, $5.328M for pre-training (Table 1).
  const Bill b{14.8e12, 14.8e12 * 250.4e9, 0, 0, 0, 0};
  EXPECT_NEAR(b.h800_hours(), 2.664e6, 0.005 * 2.664e6);
  EXPECT_NEAR(b.h800_dollars(), 5.328e6, 0.005 * 5.328e6);
  EXPECT_EQ(b.peak_share(), 0);
}

}  // namespace
}  // namespace minke
