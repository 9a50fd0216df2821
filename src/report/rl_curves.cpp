#include "report/rl_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/panel.h"

namespace minke {
namespace {

constexpr double kColumnWidth = 330;  // two columns
constexpr double kLevelRow = 30, kLevelNames = 110;  // of the panel of levels: a row's height, the room for its name
constexpr size_t kBlue = 0, kOrange = 1, kGreen = 2, kPink = 3;

// A column of the steps as a line of a panel: every step thin, the mean of neighbours bold.
struct Line {
  const char* name;
  std::vector<double> values;
  size_t colour;
};

struct Chart {
  std::string heading, unit;  // unit: behind the values of the key
  std::vector<Line> lines;
  bool every_step = true;     // else the means alone: shares of a few groups jump
};

std::vector<double> percent(std::vector<double> values) {
  for (double& v : values) v *= 100;
  return values;
}

std::string shown(double value, bool whole) { return whole || std::abs(value) >= 10 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value); }

void draw_chart(Svg& svg, const RlMetrics& run, const Chart& chart, const Box& box) {
  Plot plot = plot_over(box, double(run.steps));
  const size_t half = smoothing(run.rows());
  std::vector<std::vector<double>> means;
  for (const Line& l : chart.lines) means.push_back(smoothed(l.values, half));
  std::vector<const std::vector<double>*> columns;
  for (size_t i = 0; i < chart.lines.size(); ++i) columns.push_back(chart.every_step ? &chart.lines[i].values : &means[i]);
  const auto [lo, hi] = range_of(columns);
  plot.y = value_axis(std::min(lo, 0.0), hi, 6);
  draw_heading(svg, plot, chart.heading, "");
  svg.axes(plot, "steps");
  std::vector<KeyEntry> key;
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    const Line& l = chart.lines[i];
    const std::string colour = series_class(l.colour);
    if (half > 0 && chart.every_step) svg.curve(points_of(plot, run.step, l.values), colour + " raw");
    key.push_back({fmt::format("{} {}{}", l.name, shown(last_finite(means[i]), !chart.unit.empty()), chart.unit), colour + " line"});
  }
  for (size_t i = 0; i < chart.lines.size(); ++i) svg.curve(points_of(plot, run.step, means[i]), series_class(chart.lines[i].colour) + " line");
  draw_key(svg, plot, key);
}

void draw_held_out(Svg& svg, const RlMetrics& run, const Box& box) {
  Plot plot = plot_over(box, double(run.steps));
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

// Lines without any value are dropped, panels without any line too.
std::vector<Chart> charts_of(const RlMetrics& run) {
  std::vector<Chart> out = {
      {"Rollouts: reward, shares of answers", "", {{"reward", run.reward, kBlue}, {"right", run.right, kGreen}, {"“?”", run.abstained, kPink}}},
      {"Tokens of an answer, thought included", "", {{"right", run.tokens_right, kGreen}, {"not right", run.tokens_wrong, kOrange}}},
      {"Entropy and KL, nats per token", "", {{"entropy", run.entropy, kBlue}, {"at choices", run.choice_entropy, kPink}, {"KL", run.kl, kOrange}}},
      {"Groups that teach nothing, %", "%", {{"all right", percent(run.all_right), kGreen}, {"not right", percent(run.none_better), kOrange}}, false},
      {"In a thought, mean", "", {{"attempts", run.attempts, kBlue}, {"retries", run.retries, kOrange}, {"checks", run.self_checks, kGreen}, {"“wait”", run.waits, kPink}}},
  };
  const auto never = [](const std::vector<double>& v) { return std::none_of(v.begin(), v.end(), [](double x) { return x != 0 && std::isfinite(x); }); };
  for (Chart& p : out) std::erase_if(p.lines, [&](const Line& l) { return !any_finite(l.values); });
  std::erase_if(out.back().lines, [&](const Line& l) { return never(l.values); });  // words that the traces do not have
  std::erase_if(out, [](const Chart& p) { return p.lines.empty(); });
  return out;
}

// All problems together first.
std::vector<LevelScore> scores_at(const RlMetrics& run, size_t look) {
  std::vector<LevelScore> out = {{"all", run.pass1[look], run.low[look], run.high[look]}};
  out.insert(out.end(), run.look_levels[look].begin(), run.look_levels[look].end());
  return out;
}

void draw_levels(Svg& svg, const RlMetrics& run, const Box& box) {
  Plot plot;
  plot.box = {box.x + kLevelNames, box.y, box.w - kLevelNames, box.h};
  plot.x = value_axis(0, 100, 5);
  plot.x.hi = 100;
  draw_heading(svg, {box, {}, {}}, "Held-out problems answered right, %", "");
  draw_key(svg, {box, {}, {}}, {{"before", series_class(kOrange) + " line"}, {"after, with 95% intervals", series_class(kBlue) + " line"}});
  for (size_t i = 0; i < plot.x.ticks.size(); ++i) {
    const Point foot = plot.at(plot.x.ticks[i], 0);
    svg.line({foot.x, box.y}, {foot.x, box.bottom()}, "grid");
    svg.text(foot.x, box.bottom() + 19, plot.x.labels[i], "muted", Anchor::kMiddle);
  }
  const std::vector<LevelScore> before = scores_at(run, 0), after = scores_at(run, run.looks() - 1);
  double y = box.y + kLevelRow / 2;
  for (const LevelScore& now : after) {
    svg.text(plot.box.x - 10, y + 4, fitted(now.name, 15), "ink", Anchor::kEnd);
    const auto was = std::find_if(before.begin(), before.end(), [&](const LevelScore& s) { return s.name == now.name; });
    const auto mark = [&](const LevelScore& s, double at, size_t series) {
      const auto x = [&](double share) { return plot.at(100 * share, 0).x; };
      if (std::isfinite(s.low) && std::isfinite(s.high)) svg.line({x(s.low), at}, {x(s.high), at}, series_class(series) + " line");
      svg.dot({x(s.pass1), at}, 4, series_class(series));
    };
    if (was != before.end()) mark(*was, y - 5, kOrange);
    mark(now, y + 5, kBlue);
    y += kLevelRow;
  }
}

}  // namespace

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

std::vector<Panel> rl_panels(const RlMetrics& run) {
  std::vector<Panel> out;
  if (run.looks() > 0) out.push_back({"Held-out problems answered right", [&run](Svg& svg, const Box& box) { draw_held_out(svg, run, box); }});
  for (Chart& chart : charts_of(run)) {
    std::string heading = chart.heading;
    out.push_back({std::move(heading), [&run, chart = std::move(chart)](Svg& svg, const Box& box) { draw_chart(svg, run, chart, box); }});
  }
  return out;
}

std::optional<Panel> levels_panel(const RlMetrics& run) {
  if (run.looks() < 2 || run.look_levels.back().empty()) return std::nullopt;
  const double rows = double(1 + run.look_levels.back().size());
  return Panel{"Held-out problems answered right, before and after", [&run](Svg& svg, const Box& box) { draw_levels(svg, run, box); }, false, rows * kLevelRow};
}

std::string draw_rl_curves(const RlMetrics& run, std::string_view title) {
  const std::vector<Panel> panels = rl_panels(run);
  const std::string summary = summary_of(run);
  const size_t rows = (panels.size() + 1) / 2;
  Svg svg(kPictureWidth, kFirstPanel + double(rows - 1) * kPanelBand + kPanelHeight + 50, title, summary);
  draw_title(svg, title, summary);
  for (size_t i = 0; i < panels.size(); ++i) {
    const bool alone = i % 2 == 0 && i + 1 == panels.size();
    const double width = alone ? kPanelsRight - kPanelsLeft : kColumnWidth;
    panels[i].draw(svg, {i % 2 ? kPanelsRight - width : kPanelsLeft, kFirstPanel + double(i / 2) * kPanelBand, width, kPanelHeight});
  }
  return std::move(svg).finish();
}

}  // namespace minke
