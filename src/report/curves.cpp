#include "report/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/panel.h"

namespace minke {
namespace {

void draw_loss(Svg& svg, const RunMetrics& run, Plot plot, size_t half) {
  const auto [lo, hi] = range_of({&run.loss});
  plot.y = value_axis(lo, hi, 7);
  const std::string raw = series_class(0) + " raw", line = series_class(0) + " line";
  draw_heading(svg, plot, run.fine_tuning ? "Training loss, nats per token of the answers" : "Training loss, nats per token", "");
  if (half == 0)
    draw_key(svg, plot, {{"every step", line}});
  else
    draw_key(svg, plot, {{"every step", raw}, {fmt::format("mean of {} steps", 2 * half + 1), line}});
  svg.axes(plot, "tokens");
  if (half > 0) svg.curve(points_of(plot, run.tokens, run.loss), raw);
  svg.curve(points_of(plot, run.tokens, smoothed(run.loss, half)), line);
}

struct HeldOutSeries {
  const char* name;
  const std::vector<double>* values;
  bool square;  // its marks
};

void draw_held_out(Svg& svg, const RunMetrics& run, Plot plot, size_t half) {
  std::vector<HeldOutSeries> all = {{"prose", &run.bpb_prose, false}, {"problems", &run.bpb_problems, true}};
  std::vector<double> practised;  // what is learnt beside what is held out, from the first look on: where they part, the model memorises
  if (run.fine_tuning) {
    practised = smoothed(run.loss, half);
    size_t begin = 0;  // a window later, where the first steep fall no longer weighs on the mean
    while (begin < run.rows() && !std::isfinite(run.answer_loss[begin])) ++begin;
    std::fill_n(practised.begin(), std::min(run.rows(), begin + half), NAN);
    all = {{"held-out", &run.answer_loss, false}, {"training", &practised, false}};
  }
  const auto [lo, hi] = range_of({all[0].values, all[1].values});
  plot.y = value_axis(run.fine_tuning ? lo : std::min(lo, 0.0), hi, 6);
  if (run.fine_tuning)
    draw_heading(svg, plot, "Held-out answers, nats per token", "lower is better; apart from training: memorised");
  else
    draw_heading(svg, plot, "Held-out text, bits per byte", "lower is better");
  svg.axes(plot, "tokens");
  std::vector<EndLabel> labels;
  size_t series = 1;
  for (const auto& [name, values, square] : all) {
    const bool trained = values == &practised;
    const std::string colour = series_class(trained ? 0 : series++);
    const std::vector<Point> points = measured_points(plot, run.tokens, *values);
    if (points.empty()) continue;
    if (points.size() > 1) svg.curve(thinned(points, plot.box.w), colour + " line");
    for (const Point& p : points) {
      if (trained || points.size() > kMostMarks) break;
      if (square)
        svg.square(p, 3, colour);
      else
        svg.dot(p, 3.5, colour);
    }
    labels.push_back({points.back().y, fmt::format("{} {:.2f}", name, last_finite(*values)), colour});
  }
  draw_end_labels(svg, plot, std::move(labels));
}

void draw_load(Svg& svg, const RunMetrics& run, Plot plot, size_t half) {
  const size_t layers = run.max_vio.size();
  std::vector<std::vector<double>> lines;
  std::vector<const std::vector<double>*> columns;
  for (const auto& values : run.max_vio) lines.push_back(smoothed(values, half));
  for (const auto& line : lines) columns.push_back(&line);
  const auto [lo, hi] = range_of(columns);
  plot.y = value_axis(std::min(lo, 0.0), hi, 6);
  draw_heading(svg, plot, "Expert load in each MoE layer: MaxVio",
               plot.box.w < 400 ? "busiest expert's tokens / mean − 1; 0 is balance"
                                : fmt::format("busiest expert's tokens / mean − 1, per batch{}; 0 is perfect balance",
                                              half > 0 ? fmt::format(", mean of {} steps", 2 * half + 1) : ""));
  svg.axes(plot, "tokens");
  std::vector<EndLabel> labels;
  for (size_t l = 0; l < layers; ++l) {
    const bool mtp = l + run.mtp_layers >= layers;
    const size_t number = mtp ? l + run.mtp_layers - layers + 1 : l + 1;
    const std::string colour = series_class(l % kSeries);
    const std::vector<Point> points = points_of(plot, run.tokens, lines[l]);
    svg.curve(points, colour + (layers > kMostEndLabels ? "" : " line") + (mtp ? " dashed" : ""));
    const double last = last_finite(lines[l]);
    if (!std::isfinite(last)) continue;
    const std::string name = !mtp                  ? fmt::format("MoE {}", number)
                             : run.mtp_layers == 1 ? "MTP"
                                                   : fmt::format("MTP {}", number);
    labels.push_back({plot.at(0, last).y, fmt::format("{} {:.2f}", name, last), colour});
  }
  draw_end_labels(svg, plot, std::move(labels));
}

bool has_held_out(const RunMetrics& run) { return any_finite(run.bpb_prose) || any_finite(run.bpb_problems) || any_finite(run.answer_loss); }
bool has_load(const RunMetrics& run) { return std::any_of(run.max_vio.begin(), run.max_vio.end(), any_finite); }

}  // namespace

std::vector<Panel> run_panels(const RunMetrics& run) {
  const size_t half = smoothing(run.rows());
  const auto panel = [&run, half](const char* heading, auto draw, bool end_labels) {
    return Panel{heading, [&run, half, draw](Svg& svg, const Box& box) { draw(svg, run, plot_over(box, run.tokens.back()), half); }, end_labels};
  };
  std::vector<Panel> out = {panel("Training loss", draw_loss, false)};
  if (has_held_out(run)) out.push_back(panel("Held-out data", draw_held_out, true));
  if (has_load(run)) out.push_back(panel("Load of the busiest expert", draw_load, true));
  return out;
}

std::string summary_of(const RunMetrics& run) {
  const size_t half = smoothing(run.rows());
  const int64_t steps = run.step.back();
  std::string out = fmt::format("step {}, {} tokens", steps, count_label(run.tokens.back()));
  if (any_finite(run.loss)) out += fmt::format(" · loss {:.4g}", last_finite(smoothed(run.loss, half)));
  if (any_finite(run.answer_loss)) out += fmt::format(" · held-out {:.4g}", last_finite(run.answer_loss));
  const bool prose = any_finite(run.bpb_prose), problems = any_finite(run.bpb_problems);
  if (prose || problems) out += " · bits per byte:";
  if (prose) out += fmt::format(" prose {:.4g}", last_finite(run.bpb_prose));
  if (problems) out += fmt::format("{} problems {:.4g}", prose ? "," : "", last_finite(run.bpb_problems));
  double sum = 0;
  size_t layers = 0;
  for (const auto& values : run.max_vio) {
    if (!any_finite(values)) continue;
    sum += last_finite(smoothed(values, half));
    ++layers;
  }
  if (layers > 0) out += fmt::format(" · mean MaxVio {:.2f}", sum / double(layers));
  if (run.skipped > 0) out += fmt::format(" · {} skipped {}", run.skipped, run.skipped == 1 ? "step" : "steps");
  return out;
}

std::string draw_curves(const RunMetrics& run, std::string_view title) {
  const bool held_out = has_held_out(run), load = has_load(run);
  const std::string summary = summary_of(run);
  Svg svg(kPictureWidth, kFirstPanel + (load ? kPanelBand : 0) + kPanelHeight + 50, title, summary);
  draw_title(svg, title, summary);

  const std::vector<Panel> panels = run_panels(run);
  panels[0].draw(svg, {kPanelsLeft, kFirstPanel, held_out ? 300 : kPanelsRight - kPanelsLeft, kPanelHeight});
  if (held_out) panels[1].draw(svg, {416, kFirstPanel, kPanelsRight - kEndLabelWidth - 416, kPanelHeight});
  if (load) panels.back().draw(svg, {kPanelsLeft, kFirstPanel + kPanelBand, kPanelsRight - kEndLabelWidth - kPanelsLeft, kPanelHeight});
  return std::move(svg).finish();
}

}  // namespace minke
