#pragma once
// What the panels of every kind of run's picture share: their places, headings, keys, labels, smoothed columns. A column holds a value a
// row, NaN where nothing was measured.
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/svg.h"

namespace minke {

inline constexpr double kPictureWidth = 800, kPanelsLeft = 52, kPanelsRight = 784;  // where the panels begin, and where the last label may end
inline constexpr double kFirstPanel = 122, kPanelHeight = 190, kPanelBand = 300;     // the first one's top, a height, from one top to the next
inline constexpr double kEndLabelWidth = 108;
inline constexpr size_t kMostMarks = 40;                                             // more evaluations than this are drawn without marks

// One panel, not yet placed: a picture holds several, a page one a figure. What it draws from must outlive it.
struct Panel {
  std::string heading;                         // what a screen reader says
  std::function<void(Svg&, const Box&)> draw;  // inside the box; heading and key above it, ticks and a name below
  bool end_labels = false;                     // needs kEndLabelWidth to the right of the box
  double height = kPanelHeight;                // of the box
};
// A panel as an <svg> of kFigureWidth for a page (Svg::inside_page).
inline constexpr double kFigureWidth = 400;
std::string figure_of(const Panel& panel);

// A box with an axis from 0 to `end` below it, and ticks for its width; the scale of y is the caller's.
Plot plot_over(const Box& box, double end);

bool any_finite(const std::vector<double>& values);
// Of all finite values of several columns; {0, 1} if there are none.
std::pair<double, double> range_of(const std::vector<const std::vector<double>*>& columns);
double last_finite(const std::vector<double>& values);  // NaN if there is none

// Mean over the rows within `half` of each, NaN left out (a row that is NaN stays so). Near the start the window stays symmetric, so
// that the first steep fall is not drawn late; near the end it loses its later half.
std::vector<double> smoothed(const std::vector<double>& values, size_t half);
inline size_t smoothing(size_t rows) { return rows / 50; }  // half a window of about a twenty-fifth of the run

// In pixels, no more than the panel can show.
std::vector<Point> points_of(const Plot& plot, const std::vector<double>& x, const std::vector<double>& values);
// Rows that were measured, joined over the gaps between.
std::vector<Point> measured_points(const Plot& plot, const std::vector<double>& x, const std::vector<double>& values);

std::string fitted(std::string_view text, size_t most);  // so many characters; a longer one ends there, in an ellipsis

// Title and summary at the top of a picture; a title that would leave it ends in an ellipsis.
void draw_title(Svg& svg, std::string_view title, std::string_view summary);
void draw_heading(Svg& svg, const Plot& plot, std::string_view heading, std::string_view note);

// Swatches and words on one line under the heading.
struct KeyEntry {
  std::string words, classes;
};
void draw_key(Svg& svg, const Plot& plot, const std::vector<KeyEntry>& entries);

// A label beside the end of a line, in the line's colour.
struct EndLabel {
  double y;
  std::string text, classes;
};
inline constexpr size_t kMostEndLabels = 12;
void draw_end_labels(Svg& svg, const Plot& plot, std::vector<EndLabel> labels);

}  // namespace minke
