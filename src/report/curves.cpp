#include "report/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "report/svg.h"

namespace minke {
namespace {

constexpr double kWidth = 800, kLeft = 52, kRight = 784;  // where the panels begin, and where the last label may end
constexpr double kTop = 122, kHeight = 190,
                 kBand = 300;  // first panel's top, a panel's height, from one panel's top to the next
constexpr double kLabelGap = 15, kLabelWidth = 108;
constexpr size_t kMostLabels = 12, kHighest = 4;  // beside the ends of a panel's lines
constexpr size_t kTitleCharacters = 72;
constexpr size_t kMostMarks = 40;  // more evaluations than this are drawn without marks

bool any_finite(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

// Of all finite values of several columns; {0, 1} if there are none.
std::pair<double, double> range_of(const std::vector<const std::vector<double>*>& columns) {
  double lo = HUGE_VAL, hi = -HUGE_VAL;
  for (const auto* column : columns) {
    for (const double v : *column) {
      if (!std::isfinite(v)) continue;
      lo = std::min(lo, v);
      hi = std::max(hi, v);
    }
  }
  return lo <= hi ? std::pair(lo, hi) : std::pair(0.0, 1.0);
}

double last_finite(const std::vector<double>& values) {
  for (size_t i = values.size(); i-- > 0;) {
    if (std::isfinite(values[i])) return values[i];
  }
  return NAN;
}

std::vector<Point> points_of(const Plot& plot, const std::vector<double>& tokens, const std::vector<double>& values) {
  std::vector<Point> out;
  for (size_t i = 0; i < values.size(); ++i) {
    out.push_back(std::isfinite(values[i]) ? plot.at(tokens[i], values[i]) : Point{NAN, NAN});
  }
  return thinned(out, plot.box.w);
}

// A label beside the end of a line, in the line's colour.
struct EndLabel {
  double y;
  std::string text, classes;
};

void draw_end_labels(Svg& svg, const Plot& plot, std::vector<EndLabel> labels) {
  // Too many to tell apart: the highest few and the lowest are named.
  std::stable_sort(labels.begin(), labels.end(), [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
  if (labels.size() > kMostLabels) labels.erase(labels.begin() + kHighest, labels.end() - 1);
  std::vector<double> wanted;
  for (const EndLabel& label : labels) wanted.push_back(label.y);
  const std::vector<double> heights = spread_labels(wanted, kLabelGap, plot.box.y, plot.box.bottom());
  for (size_t i = 0; i < labels.size(); ++i) {
    const double x = plot.box.right();
    svg.line({x + 4, labels[i].y}, {x + 12, heights[i]}, labels[i].classes);  // from the line's end to its name
    svg.text(x + 16, heights[i] + 4, labels[i].text, labels[i].classes);
  }
}

// "every step" in thin, "mean of N steps" in bold: swatches and words on one line.
void draw_key(Svg& svg, const Plot& plot, size_t half) {
  double x = plot.box.x;
  const double y = plot.box.y - 15;
  const auto entry = [&](const std::string& words, const std::string& classes) {
    svg.line({x, y - 4}, {x + 22, y - 4}, classes);
    svg.text(x + 28, y, words, "muted");
    x += 28 + 7 * double(words.size()) + 14;
  };
  if (half == 0) return entry("every step", series_class(0) + " line");
  entry("every step", series_class(0) + " raw");
  entry(fmt::format("mean of {} steps", 2 * half + 1), series_class(0) + " line");
}

void draw_heading(Svg& svg, const Plot& plot, std::string_view heading, std::string_view note) {
  svg.text(plot.box.x, plot.box.y - 34, heading, "strong");
  if (!note.empty()) svg.text(plot.box.x, plot.box.y - 15, note, "muted");
}

void draw_loss(Svg& svg, const RunMetrics& run, Plot plot, size_t half) {
  const auto [lo, hi] = range_of({&run.loss});
  plot.y = value_axis(lo, hi, 7);
  draw_heading(svg, plot, "Training loss, nats per token", "");
  draw_key(svg, plot, half);
  svg.axes(plot, "tokens");
  if (half > 0) svg.curve(points_of(plot, run.tokens, run.loss), series_class(0) + " raw");
  svg.curve(points_of(plot, run.tokens, smoothed(run.loss, half)), series_class(0) + " line");
}

void draw_held_out(Svg& svg, const RunMetrics& run, Plot plot) {
  const auto [lo, hi] = range_of({&run.bpb_prose, &run.bpb_problems});
  plot.y = value_axis(std::min(lo, 0.0), hi, 6);
  draw_heading(svg, plot, "Held-out text, bits per byte", "lower is better");
  svg.axes(plot, "tokens");
  std::vector<EndLabel> labels;
  size_t series = 1;
  for (const auto& [name, values] : {std::pair("prose", &run.bpb_prose), std::pair("problems", &run.bpb_problems)}) {
    std::vector<Point> points;  // measured at some steps only: the gaps between are no breaks
    for (size_t i = 0; i < run.rows(); ++i) {
      if (std::isfinite((*values)[i])) points.push_back(plot.at(run.tokens[i], (*values)[i]));
    }
    const std::string colour = series_class(series++);
    if (points.empty()) continue;
    if (points.size() > 1) svg.curve(thinned(points, plot.box.w), colour + " line");
    for (const Point& p : points) {
      if (points.size() > kMostMarks) break;
      if (values == &run.bpb_prose) {
        svg.dot(p, 3.5, colour);
      } else {
        svg.square(p, 3, colour);
      }
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
               fmt::format("busiest expert's tokens / mean − 1, per batch{}; 0 is perfect balance",
                           half > 0 ? fmt::format(", mean of {} steps", 2 * half + 1) : ""));
  svg.axes(plot, "tokens");
  std::vector<EndLabel> labels;
  for (size_t l = 0; l < layers; ++l) {
    const bool mtp = l + run.mtp_layers >= layers;
    const size_t number = mtp ? l + run.mtp_layers - layers + 1 : l + 1;
    const std::string colour = series_class(l % kSeries);
    const std::vector<Point> points = points_of(plot, run.tokens, lines[l]);
    svg.curve(points, colour + (layers > kMostLabels ? "" : " line") + (mtp ? " dashed" : ""));
    const double last = last_finite(lines[l]);
    if (!std::isfinite(last)) continue;
    const std::string name = !mtp                  ? fmt::format("MoE {}", number)
                             : run.mtp_layers == 1 ? "MTP"
                                                   : fmt::format("MTP {}", number);
    labels.push_back({plot.at(0, last).y, fmt::format("{} {:.2f}", name, last), colour});
  }
  draw_end_labels(svg, plot, std::move(labels));
}

// A title that would leave the picture ends in an ellipsis.
std::string fitted(std::string_view title) {
  size_t characters = 0;
  for (size_t i = 0; i < title.size(); ++i) {
    if ((uint8_t(title[i]) & 0xc0) == 0x80) continue;
    if (++characters > kTitleCharacters) return std::string(title.substr(0, i)) + "…";
  }
  return std::string(title);
}

// "step 1234, 2.5M tokens · loss 2.31 · ...": the last smoothed values of what the run has.
std::string summary_of(const RunMetrics& run, size_t half) {
  const int64_t steps = run.step.back();
  std::string out = fmt::format("step {}, {} tokens", steps, count_label(run.tokens.back()));
  if (any_finite(run.loss)) out += fmt::format(" · loss {:.4g}", last_finite(smoothed(run.loss, half)));
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

}  // namespace

std::vector<double> smoothed(const std::vector<double>& values, size_t half) {
  if (half == 0) return values;
  std::vector<double> sums(values.size() + 1, 0.0), counts(values.size() + 1, 0.0), out(values.size(), NAN);
  for (size_t i = 0; i < values.size(); ++i) {
    const bool finite = std::isfinite(values[i]);
    sums[i + 1] = sums[i] + (finite ? values[i] : 0);
    counts[i + 1] = counts[i] + (finite ? 1 : 0);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    const size_t reach = std::min(half, i), begin = i - reach, end = std::min(values.size(), i + reach + 1);
    out[i] = (sums[end] - sums[begin]) / (counts[end] - counts[begin]);
  }
  return out;
}

std::string draw_curves(const RunMetrics& run, std::string_view title) {
  const size_t half = run.rows() / 50;  // a window of about a twenty-fifth of the run
  const bool held_out = any_finite(run.bpb_prose) || any_finite(run.bpb_problems);
  const bool load = std::any_of(run.max_vio.begin(), run.max_vio.end(), any_finite);
  const std::string summary = summary_of(run, half);
  Svg svg(kWidth, kTop + (load ? kBand : 0) + kHeight + 50, title, summary);
  svg.text(kLeft - 28, 34, fitted(title), "head");
  svg.text(kLeft - 28, 56, summary, "muted");

  Plot plot;
  plot.box = {kLeft, kTop, held_out ? 300 : kRight - kLeft, kHeight};
  plot.x = count_axis(run.tokens.back(), held_out ? 5 : 10);
  draw_loss(svg, run, plot, half);
  if (held_out) {
    plot.box.x = 416;
    plot.box.w = kRight - kLabelWidth - plot.box.x;
    draw_held_out(svg, run, plot);
  }
  if (load) {
    plot.box = {kLeft, kTop + kBand, kRight - kLabelWidth - kLeft, kHeight};
    plot.x = count_axis(run.tokens.back(), 10);
    draw_load(svg, run, plot, half);
  }
  return std::move(svg).finish();
}

}  // namespace minke
