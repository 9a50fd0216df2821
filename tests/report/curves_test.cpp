#include "report/curves.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "report/panel.h"
#include "report/sound_svg.h"

namespace minke {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A run as it goes: the loss falls steeply then slowly, with noise; loads flare up and are balanced; an evaluation
// every 50 steps.
RunMetrics synthetic(size_t rows, size_t layers, size_t mtp) {
  std::string lines;
  Rng rng(5);
  const auto noise = [&] { return 2 * rng.uniform() - 1; };
  for (size_t s = 1; s <= rows; ++s) {
    const double x = double(s) / double(rows);
    lines += fmt::format("{{\"step\":{},\"tokens\":{},\"loss\":{:.4f},\"mtp_loss\":[", s, s * 4096,
                         2.2 + 6 * std::exp(-9 * x) + 0.1 * noise());
    for (size_t m = 0; m < mtp; ++m) lines += m ? ",3" : "3";
    lines += "],\"max_vio\":[";
    for (size_t l = 0; l < layers; ++l) {
      lines += fmt::format("{}{:.4f}", l ? "," : "", 0.4 + 3 * std::exp(-double(l + 4) * x) + 0.1 * noise());
    }
    lines += "]";
    if (s % 50 == 0)
      lines += fmt::format(",\"bpb\":{{\"prose\":{:.4f},\"problems\":{:.4f}}}", 1.5 + 2 * std::exp(-6 * x),
                           0.5 + std::exp(-8 * x));
    lines += "}\n";
  }
  return parse_run_metrics(lines, "synthetic");
}

TEST(Smoothed, MeanOfNeighbours) {
  EXPECT_EQ(smoothed({4, 1, 4, 1, 7}, 0), (std::vector<double>{4, 1, 4, 1, 7}));
  EXPECT_EQ(smoothed({4, 1, 4, 1, 7}, 1), (std::vector<double>{4, 3, 2, 4, 4}));
  const auto holed = smoothed({1, kNaN, 5, 7}, 1);
  EXPECT_EQ(holed[0], 1);
  EXPECT_TRUE(std::isnan(holed[1]));
  EXPECT_EQ(holed[2], 6);
  EXPECT_EQ(smoothed({5, 3}, 10), (std::vector<double>{5, 4}));
}

TEST(Curves, DrawsEveryPanelOfARun) {
  const std::string svg = draw_curves(synthetic(488, 5, 1), "tiny <2M>");
  expect_sound(svg);
  for (const char* part : {"tiny &lt;2M&gt;", "Training loss", "bits per byte", "MaxVio", ">prose 1.5", ">problems 0.5",
                           ">MoE 1 ", ">MoE 4 ", ">MTP ", ">2M<", "mean of 19 steps", "prefers-color-scheme:dark"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(svg.find(">MoE 5 "), std::string::npos);
  EXPECT_EQ(count(svg, " line dashed\""), 1u);                           // MTP's line
  EXPECT_EQ(count(svg, "<circle"), 9u);                                  // evaluations of prose
  EXPECT_EQ(svg.find("http", svg.find("2000/svg")), std::string::npos);  // nothing is fetched
  EXPECT_LT(svg.size(), 100000u);
  EXPECT_EQ(svg, draw_curves(synthetic(488, 5, 1), "tiny <2M>"));
}

TEST(Curves, LeavesOutWhatWasNotMeasured) {
  const std::string svg = draw_curves(synthetic(49, 0, 0), "dense");
  expect_sound(svg);
  EXPECT_EQ(svg.find("Held-out"), std::string::npos);
  EXPECT_EQ(svg.find("MaxVio"), std::string::npos);
}

TEST(Curves, ManyLayersAndStepsStaySmall) {
  const std::string svg = draw_curves(synthetic(3000, 59, 1), "many");
  expect_sound(svg);
  EXPECT_EQ(count(svg, ">MoE ") + count(svg, ">MTP "), 5u);
  EXPECT_LT(svg.size(), 1500000u);
}

TEST(Curves, OneStep) {
  RunMetrics run = parse_run_metrics(
      "{\"step\":1,\"tokens\":2048,\"loss\":8.3,\"mtp_loss\":[8],\"max_vio\":[1,2],\"bpb\":{\"prose\":3,\"problems\":2}"
      "}\n",
      "one");
  const std::string svg = draw_curves(run, "one");
  expect_sound(svg);
  EXPECT_EQ(count(svg, "<circle"), 4u);  // the loss, two layers, prose; problems has a square
  run.tokens[0] = 0;
  expect_sound(draw_curves(run, "no tokens yet"));
}

TEST(Curves, NotFiniteIsAGapAndIsCounted) {
  RunMetrics run = synthetic(100, 2, 0);
  for (size_t i = 40; i < 45; ++i) run.loss[i] = kNaN;
  run.skipped = 5;
  run.max_vio[1].assign(100, kNaN);
  const std::string svg = draw_curves(run, "gap");
  expect_sound(svg);
  EXPECT_NE(svg.find("5 skipped steps"), std::string::npos);
  std::smatch path;
  ASSERT_TRUE(std::regex_search(svg, path, std::regex("<path d=\"([^\"]*)\" class=\"s0 line\"")));
  EXPECT_EQ(count(path[1], "M"), 2u);

  run.loss.assign(100, kNaN);
  const std::string lost = draw_curves(run, "lost");
  expect_sound(lost);
  const size_t begin = lost.find("Training loss"), end = lost.find("Held-out");
  ASSERT_LT(begin, end);
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(lost.substr(begin, end - begin).find("<path"), std::string::npos);
}

// Fine-tuning: held-out answers beside what is practised, which begins with the first look.
TEST(Curves, FineTuning) {
  std::string lines;
  for (int s = 1; s <= 300; ++s)
    lines += fmt::format("{{\"step\":{},\"tokens\":{},\"loss\":{:.4f},\"examples\":50{}}}\n", s, s * 4096, 0.2 + 3 * std::exp(-s / 5.0),
                         s % 60 ? "" : fmt::format(",\"sft_loss\":{}", 0.3 - s / 3e3));
  const RunMetrics run = parse_run_metrics(lines, "sft");
  EXPECT_TRUE(run.fine_tuning);
  EXPECT_TRUE(std::isnan(run.answer_loss[0]));
  EXPECT_DOUBLE_EQ(run.answer_loss[59], 0.28);
  const std::string svg = draw_curves(run, "sft");
  expect_sound(svg);
  for (const char* part : {"per token of the answers", "Held-out answers", ">held-out 0.20<", ">training 0.20<", "held-out 0.2<"})
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  EXPECT_EQ(count(svg, "<circle"), 5u);
  EXPECT_EQ(svg.find("bits per byte"), std::string::npos);
}

TEST(Curves, LongTitleEndsInsideThePicture) {
  std::string title;
  for (int i = 0; i < 300; ++i) title += "é";
  const std::string svg = draw_curves(synthetic(3, 1, 0), title);
  expect_sound(svg);
  std::string shown;
  for (int i = 0; i < 72; ++i) shown += "é";
  EXPECT_NE(svg.find(">" + shown + "…</text>"), std::string::npos);
}

}  // namespace
}  // namespace minke
