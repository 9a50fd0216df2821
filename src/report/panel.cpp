#include "report/panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace minke {
namespace {

constexpr double kLabelGap = 15;
constexpr size_t kHighest = 4;  // of too many labels
constexpr size_t kTitleCharacters = 72;

size_t characters(std::string_view text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string figure_of(const Panel& panel) {
  constexpr double kLeft = 44, kAbove = 52, kBelow = 46, kRight = 14;
  Svg svg = Svg::inside_page(kFigureWidth, kAbove + panel.height + kBelow, panel.heading);
  panel.draw(svg, {kLeft, kAbove, kFigureWidth - kLeft - (panel.end_labels ? kEndLabelWidth : kRight), panel.height});
  return std::move(svg).finish();
}

Plot plot_over(const Box& box, double end) {
  Plot plot;
  plot.box = box;
  plot.x = count_axis(end, box.w > 400 ? 10 : 5);
  return plot;
}

std::string fitted(std::string_view text, size_t most) {
  size_t seen = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((uint8_t(text[i]) & 0xc0) == 0x80) continue;
    if (++seen > most) return std::string(text.substr(0, i)) + "…";
  }
  return std::string(text);
}

bool any_finite(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

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

std::vector<Point> points_of(const Plot& plot, const std::vector<double>& x, const std::vector<double>& values) {
  std::vector<Point> out;
  for (size_t i = 0; i < values.size(); ++i) out.push_back(std::isfinite(values[i]) ? plot.at(x[i], values[i]) : Point{NAN, NAN});
  return thinned(out, plot.box.w);
}

std::vector<Point> measured_points(const Plot& plot, const std::vector<double>& x, const std::vector<double>& values) {
  std::vector<Point> out;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) out.push_back(plot.at(x[i], values[i]));
  return out;
}

void draw_title(Svg& svg, std::string_view title, std::string_view summary) {
  svg.text(kPanelsLeft - 28, 34, fitted(title, kTitleCharacters), "head");
  svg.text(kPanelsLeft - 28, 56, summary, "muted");
}

void draw_heading(Svg& svg, const Plot& plot, std::string_view heading, std::string_view note) {
  svg.text(plot.box.x, plot.box.y - 34, heading, "strong");
  if (!note.empty()) svg.text(plot.box.x, plot.box.y - 15, note, "muted");
}

void draw_key(Svg& svg, const Plot& plot, const std::vector<KeyEntry>& entries) {
  double x = plot.box.x;
  const double y = plot.box.y - 15;
  for (const auto& [words, classes] : entries) {
    svg.line({x, y - 4}, {x + 18, y - 4}, classes);
    svg.text(x + 23, y, words, "muted");
    x += 23 + 6.4 * double(characters(words)) + 12;
  }
}

void draw_end_labels(Svg& svg, const Plot& plot, std::vector<EndLabel> labels) {
  // Too many to tell apart: the highest few and the lowest are named.
  std::stable_sort(labels.begin(), labels.end(), [](const EndLabel& a, const EndLabel& b) { return a.y < b.y; });
  if (labels.size() > kMostEndLabels) labels.erase(labels.begin() + kHighest, labels.end() - 1);
  std::vector<double> wanted;
  for (const EndLabel& label : labels) wanted.push_back(label.y);
  const std::vector<double> heights = spread_labels(wanted, kLabelGap, plot.box.y, plot.box.bottom());
  for (size_t i = 0; i < labels.size(); ++i) {
    const double x = plot.box.right();
    svg.line({x + 4, labels[i].y}, {x + 12, heights[i]}, labels[i].classes);  // from the line's end to its name
    svg.text(x + 16, heights[i] + 4, labels[i].text, labels[i].classes);
  }
}

}  // namespace minke
