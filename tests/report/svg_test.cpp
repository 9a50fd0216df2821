#include "report/svg.h"

#include <gtest/gtest.h>

#include <cmath>

namespace minke {
namespace {

TEST(NiceStep, IsOneTwoOrFiveTimesAPowerOfTen) {
  const struct {
    double span;
    int at_most;
    double step;
  } kCases[] = {{10, 5, 2},       {10, 10, 1},     {6.2, 7, 1}, {0.3, 6, 0.05}, {1, 6, 0.2},
                {4.1e6, 10, 5e5}, {7e-4, 6, 2e-4}, {9, 2, 5},   {11, 2, 10}};
  for (const auto& c : kCases)
    EXPECT_NEAR(nice_step(c.span, c.at_most), c.step, 1e-9 * c.step) << c.span << " in " << c.at_most;
}

TEST(ValueAxis, CoversTheRangeWithRoundTicks) {
  const Axis axis = value_axis(2.17, 8.4, 7);
  EXPECT_EQ(axis.labels, (std::vector<std::string>{"2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(value_axis(0, 0.36, 6).labels, (std::vector<std::string>{"0.0", "0.1", "0.2", "0.3", "0.4"}));
  EXPECT_EQ(value_axis(-0.05, 0.1, 6).labels.front(), "-0.05");
}

TEST(ValueAxis, HoldsForAnyRange) {
  for (const double lo : {-1e12, -3.7, -1e-9, 0.0, 1e-12, 0.1, 2.5, 999.0, 1e12}) {
    for (const double span : {0.0, 1e-15, 1e-6, 0.033, 1.0, 7.7, 1e4, 1e12}) {
      const Axis axis = value_axis(lo, lo + span, 6);
      EXPECT_LT(axis.lo, axis.hi);
      EXPECT_LE(axis.lo, lo + 1e-6 * span);
      EXPECT_GE(axis.hi, lo + span - 1e-6 * span);
      EXPECT_GE(axis.ticks.size(), 2u) << lo << " + " << span;
      EXPECT_LE(axis.ticks.size(), 7u) << lo << " + " << span;
      ASSERT_EQ(axis.ticks.size(), axis.labels.size());
      for (size_t i = 1; i < axis.ticks.size(); ++i) EXPECT_LT(axis.ticks[i - 1], axis.ticks[i]);
    }
  }
}

TEST(CountAxis, LabelsThousandsAndMillions) {
  EXPECT_EQ(count_axis(2e6, 5).labels, (std::vector<std::string>{"0", "500k", "1M", "1.5M", "2M"}));
  EXPECT_EQ(count_axis(1998848, 5).labels.back(), "2M");
  EXPECT_EQ(count_axis(1998848, 5).hi, 2e6);
  EXPECT_EQ(count_axis(1.7e6, 5).hi, 1.7e6);
  EXPECT_EQ(count_axis(0, 5).hi, 1);
  EXPECT_EQ(count_label(950), "950");
  EXPECT_EQ(count_label(2048), "2.048k");
  EXPECT_EQ(count_label(14.8e12), "14.8T");
}

TEST(Plot, MapsCornersToCorners) {
  Plot plot;
  plot.box = {50, 100, 300, 200};
  plot.x.hi = 10;
  plot.y.lo = 2, plot.y.hi = 4;
  EXPECT_EQ(plot.at(0, 2).x, 50);
  EXPECT_EQ(plot.at(0, 2).y, 300);
  EXPECT_EQ(plot.at(10, 4).x, 350);
  EXPECT_EQ(plot.at(10, 4).y, 100);
}

TEST(Thinned, KeepsExtremesAndBreaks) {
  std::vector<Point> points;
  for (int i = 0; i < 100000; ++i) points.push_back({i / 1000.0, std::sin(i * 0.7)});
  points[54321].y = 9;
  points[76543].y = -9;
  points[30000].y = NAN;
  const auto thin = thinned(points, 100);
  EXPECT_LE(thin.size(), 4 * 101 + 1u);
  EXPECT_EQ(thin.front().x, points.front().x);
  EXPECT_EQ(thin.back().x, points.back().x);
  int highest = 0, lowest = 0, breaks = 0;
  for (size_t i = 0; i < thin.size(); ++i) {
    highest += thin[i].y == 9;
    lowest += thin[i].y == -9;
    breaks += std::isnan(thin[i].y);
    EXPECT_LE(thin[i ? i - 1 : 0].x, thin[i].x);
  }
  EXPECT_EQ(highest, 1);
  EXPECT_EQ(lowest, 1);
  EXPECT_EQ(breaks, 1);
}

TEST(SpreadLabels, MovesOnlyWhatCollides) {
  EXPECT_EQ(spread_labels({80, 10, 50}, 15, 0, 100), (std::vector<double>{80, 10, 50}));
  EXPECT_EQ(spread_labels({50, 50}, 10, 0, 100), (std::vector<double>{45, 55}));
  EXPECT_EQ(spread_labels({99, 100, 98}, 10, 0, 100), (std::vector<double>{90, 100, 80}));
  EXPECT_EQ(spread_labels({0, 0}, 10, 0, 100), (std::vector<double>{0, 10}));
  EXPECT_TRUE(spread_labels({}, 10, 0, 100).empty());
}

TEST(Curve, BreaksAtNanAndDotsWhatStandsAlone) {
  Svg svg(100, 100, "t", "s");
  svg.curve({{1, 1}, {2, 2}, {NAN, NAN}, {5, 5.25}, {6, NAN}, {7, 7}, {8, 8}}, "s0 line");
  const std::string out = std::move(svg).finish();
  EXPECT_NE(out.find("d=\"M1 1L2 2M7 7L8 8\""), std::string::npos) << out;
  EXPECT_NE(out.find("<circle cx=\"5\" cy=\"5.2\""), std::string::npos) << out;
}

TEST(XmlEscaped, SpecialsControlsAndBrokenUtf8) {
  EXPECT_EQ(xml_escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
  EXPECT_EQ(xml_escaped("naïve 猫 🐈"), "naïve 猫 🐈");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(xml_escaped(std::string_view("\0\x1b", 2)), bad + bad);
  EXPECT_EQ(xml_escaped("\xff|\xc0\x80|\xe7\x8c"), bad + "|" + bad + bad + "|" + bad + bad);
  EXPECT_EQ(xml_escaped("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(xml_escaped("\xef\xbf\xbf"), bad + bad + bad);  // U+FFFF, which XML forbids
}

}  // namespace
}  // namespace minke
