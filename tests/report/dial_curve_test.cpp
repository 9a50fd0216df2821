#include "report/dial_curve.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/sound_svg.h"

namespace minke {
namespace {

std::string line(const std::string& effort, const std::string& price, double accuracy, double tokens, const std::string& levels = "[]") {
  return fmt::format("{{\"effort\":\"{}\",\"price\":{},\"n\":30,\"accuracy\":{},\"ci95\":[{},{}],\"tokens\":{},\"samples\":1.5,\"levels\":{}}}\n", effort, price, accuracy,
                     accuracy / 2, (1 + accuracy) / 2, tokens, levels);
}
std::string levels(double a, double b) {
  return fmt::format("[{{\"family\":\"x\",\"level\":1,\"n\":5,\"accuracy\":{0},\"tokens\":10}},{{\"family\":\"x\",\"level\":2,\"n\":15,\"accuracy\":{1},\"tokens\":30}},"
                     "{{\"family\":\"<y>\",\"level\":1,\"n\":10.0,\"accuracy\":0,\"tokens\":7}}]",
                     a, b);
}

TEST(DialCurve, ReadsEffortsAndPricesOfAllProblemsAndOfEveryFamily) {
  const std::vector<DialCurve> curves = parse_dial_curves(line("off", "null", 0.25, 20, levels(1, 0.2)) + line("max", "null", 0.75, 90, levels(1, 1)) +
                                                              line("auto", "0.0001", 0.7, 60) + line("auto", "0.01", 0.5, 40) + "{\"effort\":\"au",
                                                          "d.jsonl");
  ASSERT_EQ(curves.size(), 3u);
  EXPECT_EQ(curves[0].name, "all problems");
  EXPECT_EQ(curves[0].problems, 30);
  ASSERT_EQ(curves[0].efforts.size(), 2u);
  EXPECT_EQ(curves[0].efforts[1].effort, "max");
  EXPECT_EQ(curves[0].efforts[1].tokens, 90);
  EXPECT_EQ(curves[0].efforts[1].high, 0.875);
  EXPECT_EQ(curves[0].efforts[1].samples, 1.5);
  ASSERT_EQ(curves[0].prices.size(), 2u);
  EXPECT_EQ(curves[0].prices[0].price, 0.01) << "by rising tokens";
  EXPECT_EQ(curves[1].name, "<y>");
  EXPECT_EQ(curves[2].name, "x");
  EXPECT_EQ(curves[2].problems, 20);
  EXPECT_DOUBLE_EQ(curves[2].efforts[0].right, (5 * 1 + 15 * 0.2) / 20);
  EXPECT_DOUBLE_EQ(curves[2].efforts[0].tokens, 25);
  EXPECT_TRUE(std::isnan(curves[2].efforts[0].low));
}

TEST(DialCurve, OneFamilyIsAllProblems) {
  const std::string one = "[{\"family\":\"x\",\"level\":1,\"n\":30,\"accuracy\":0.5,\"tokens\":10}]";
  EXPECT_EQ(parse_dial_curves(line("off", "null", 0.5, 10, one), "d").size(), 1u);
}

TEST(DialCurve, ErrorsNameFileLineAndKey) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      parse_dial_curves(text, "d.jsonl");
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_NE(error_of(line("off", "null", 0.5, 10) + "{\"step\":1}\n").find("d.jsonl:2: effort"), std::string::npos);
  EXPECT_NE(error_of(line("off", "null", 0.5, 10, "3")).find("d.jsonl:1: levels: expected an array"), std::string::npos);
  EXPECT_NE(error_of(line("off", "null", 0.5, 10, "[{\"family\":\"x\",\"n\":0}]")).find("d.jsonl:1: levels[0]: n"), std::string::npos);
  EXPECT_NE(error_of("").find("d.jsonl: expected at least one whole line"), std::string::npos);
}

TEST(DialCurve, DrawsEveryEffortWithItsNameInside) {
  // Steep and flat, near and far: names give way to one another and stay on the canvas.
  std::string text;
  const double rights[] = {0, 0.02, 0.3, 0.9, 0.91, 0.99}, tokens[] = {9, 9.5, 10, 40, 41, 500};
  const char* const names[] = {"off", "minimal", "low", "medium", "high", "max"};
  for (int i = 0; i < 6; ++i) text += line(names[i], "null", rights[i], tokens[i]);
  for (int i = 0; i < 3; ++i) text += line("auto", fmt::format("{}", 0.1 / (i + 1)), rights[2 * i], tokens[2 * i] + 1);
  const std::vector<DialCurve> curves = parse_dial_curves(text, "d");
  const std::string svg = figure_of(dial_panel(curves[0]));
  expect_sound(svg);
  EXPECT_EQ(count(svg, "<circle"), 6u);
  EXPECT_EQ(count(svg, "<rect"), 3u);
  std::vector<std::pair<double, double>> places;
  for (const char* name : names) {
    std::smatch m;
    ASSERT_TRUE(std::regex_search(svg, m, std::regex(fmt::format("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\" class=\"s0\">{}</text>", name)))) << name;
    const double x = std::stod(m[1]), y = std::stod(m[2]);
    EXPECT_LT(x + 6 * double(std::string(name).size()), 396) << name;
    for (const auto& [px, py] : places) EXPECT_TRUE(std::abs(y - py) > 10 || std::abs(x - px) > 18) << name << " covers another name";
    places.push_back({x, y});
  }
  // One effort alone, at the smallest possible place.
  expect_sound(figure_of(dial_panel(parse_dial_curves(line("off", "null", 0, 0), "d")[0])));
}

}  // namespace
}  // namespace minke
