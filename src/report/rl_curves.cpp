#include "report/rl_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/panel.h"

namespace minke {
namespace {

constexpr double kColumnWidth = 330;  // two columns
constexpr size_t kBlue = 0, kOrange = 1, kGreen = 2, kPink = 3;

// A column of the steps as a line of a panel: every step thin, the mean of neighbours bold.
struct Line {
  const char* name;
  std::vector<double> values;
  size_t colour;
};

struct Panel {
  std::string heading, unit;  // unit: behind the values of the key
  std::vector<Line> lines;
  bool every_step = true;     // else the means alone: shares of a few groups jump
};

std::vector<double> percent(std::vector<double> values) {
  for (double& v : values) v *= 100;
  return values;
}

std::string shown(double value, bool whole) { return whole || std::abs(value) >= 10 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value); }

void draw_panel(Svg& svg, const RlMetrics& run, const Panel& panel, Plot plot) {
  const size_t half = smoothing(run.rows());
  std::vector<std::vector<double>> means;
  for (const Line& l : panel.lines) means.push_back(smoothed(l.values, half));
  std::vector<const std::vector<double>*> columns;
  for (size_t i = 0; i < panel.lines.size(); ++i) columns.push_back(panel.every_step ? &panel.lines[i].values : &means[i]);
  const auto [lo, hi] = range_of(columns);
  plot.y = value_axis(std::min(lo, 0.0), hi, 6);
  draw_heading(svg, plot, panel.heading, "");
  svg.axes(plot, "steps");
  std::vector<KeyEntry> key;
  for (size_t i = 0; i < panel.lines.size(); ++i) {
    const Line& l = panel.lines[i];
    const std::string colour = series_class(l.colour);
    if (half > 0 && panel.every_step) svg.curve(points_of(plot, run.step, l.values), colour + " raw");
    key.push_back({fmt::format("{} {}{}", l.name, shown(last_finite(means[i]), !panel.unit.empty()), panel.unit), colour + " line"});
  }
  for (size_t i = 0; i < panel.lines.size(); ++i) svg.curve(points_of(plot, run.step, means[i]), series_class(panel.lines[i].colour) + " line");
  draw_key(svg, plot, key);
}

void draw_held_out(Svg& svg, const RlMetrics& run, Plot plot) {
  const std::vector<double> pass1 = percent(run.pass1), low = percent(run.low), high = percent(run.high);
  plot.y = value_axis(0, range_of({&pass1, &high}).second, 6);
  draw_heading(svg, plot, "Held-out problems answered right, %", fmt::format("of {}; band: 95% interval", run.held_out));
  svg.axes(plot, "steps");
  std::vector<Point> upper, lower;
  for (size_t i = 0; i < run.looks(); ++i) {
    if (!std::isfinite(low[i]) || !std::isfinite(high[i])) continue;
    upper.push_back(plot.at(run.look_step[i], high[i]));
    lower.push_back(plot.at(run.look_step[i], low[i]));
  }
  const std::string colour = series_class(kBlue);
  svg.band(upper, lower, colour);
  const std::vector<Point> points = measured_points(plot, run.look_step, pass1);
  if (points.size() > 1) svg.curve(thinned(points, plot.box.w), colour + " line");
  if (points.size() <= kMostMarks)
    for (const Point& p : points) svg.dot(p, 3.5, colour);
}

std::string summary_of(const RlMetrics& run) {
  std::string out = fmt::format("step {}, {} sampled tokens", run.steps, count_label(double(run.tokens)));
  if (run.looks() > 0) {
    const auto points = [&](size_t i) { return fmt::format("{:.1f}", 100 * run.pass1[i]); };
    out += fmt::format(" · held-out {}", points(0));
    if (run.looks() > 1) out += fmt::format(" → {}", points(run.looks() - 1));
    out += "%";
    if (const double low = run.low.back(), high = run.high.back(); std::isfinite(low) && std::isfinite(high)) out += fmt::format(" [{:.1f}, {:.1f}]", 100 * low, 100 * high);
  }
  if (run.skipped > 0) out += fmt::format(" · {} skipped {}", run.skipped, run.skipped == 1 ? "update" : "updates");
  return out;
}

// Lines without any value are dropped, panels without any line too.
std::vector<Panel> panels_of(const RlMetrics& run) {
  std::vector<Panel> out = {
      {"Rollouts: reward, shares of answers", "", {{"reward", run.reward, kBlue}, {"right", run.right, kGreen}, {"“?”", run.abstained, kPink}}},
      {"Tokens of an answer, thought included", "", {{"right", run.tokens_right, kGreen}, {"not right", run.tokens_wrong, kOrange}}},
      {"Entropy and KL, nats per token", "", {{"entropy", run.entropy, kBlue}, {"at choices", run.choice_entropy, kPink}, {"KL", run.kl, kOrange}}},
      {"Groups that teach nothing, %", "%", {{"all right", percent(run.all_right), kGreen}, {"not right", percent(run.none_better), kOrange}}, false},
      {"In a thought, mean", "", {{"attempts", run.attempts, kBlue}, {"retries", run.retries, kOrange}, {"checks", run.self_checks, kGreen}, {"“wait”", run.waits, kPink}}},
  };
  const auto never = [](const std::vector<double>& v) { return std::none_of(v.begin(), v.end(), [](double x) { return x != 0 && std::isfinite(x); }); };
  for (Panel& p : out) std::erase_if(p.lines, [&](const Line& l) { return !any_finite(l.values); });
  std::erase_if(out.back().lines, [&](const Line& l) { return never(l.values); });  // words that the traces do not have
  std::erase_if(out, [](const Panel& p) { return p.lines.empty(); });
  return out;
}

}  // namespace

std::string draw_rl_curves(const RlMetrics& run, std::string_view title) {
  std::vector<std::function<void(Svg&, const Plot&)>> draw;
  if (run.looks() > 0) draw.push_back([&](Svg& svg, const Plot& plot) { draw_held_out(svg, run, plot); });
  const std::vector<Panel> panels = panels_of(run);
  for (const Panel& panel : panels) draw.push_back([&](Svg& svg, const Plot& plot) { draw_panel(svg, run, panel, plot); });

  const std::string summary = summary_of(run);
  const size_t rows = (draw.size() + 1) / 2;
  Svg svg(kPictureWidth, kFirstPanel + double(rows - 1) * kPanelBand + kPanelHeight + 50, title, summary);
  draw_title(svg, title, summary);
  for (size_t i = 0; i < draw.size(); ++i) {
    const bool alone = i % 2 == 0 && i + 1 == draw.size();
    const double width = alone ? kPanelsRight - kPanelsLeft : kColumnWidth;
    Plot plot;
    plot.box = {i % 2 ? kPanelsRight - width : kPanelsLeft, kFirstPanel + double(i / 2) * kPanelBand, width, kPanelHeight};
    plot.x = count_axis(double(run.steps), alone ? 10 : 5);
    draw[i](svg, plot);
  }
  return std::move(svg).finish();
}

}  // namespace minke
