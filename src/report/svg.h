#pragma once
// A small SVG canvas: axes with round ticks, lines, marks, text. One self-contained file: no scripts, no fonts, no
// links. Colours are classes of one <style> that follows the reader's light or dark scheme; the light ones are the
// rule, so that renderers without media queries still draw the whole picture.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minke {

struct Point {
  double x, y;
};

struct Box {
  double x, y, w, h;  // pixels, y down
  double right() const { return x + w; }
  double bottom() const { return y + h; }
};

// A linear scale over [lo, hi], lo < hi, with ticks inside it and a label for each.
struct Axis {
  double lo = 0, hi = 1;
  std::vector<double> ticks;
  std::vector<std::string> labels;
};

// The smallest of 1, 2, 5 times a power of ten that cuts `span` > 0 into at most `at_most` steps.
double nice_step(double span, int at_most);
// Ends moved out to round values, at most `at_most` + 1 ticks. Equal or reversed ends give a range around them.
Axis value_axis(double lo, double hi, int at_most);
// 0 to `hi` (1 if not positive), or to the next tick if that is within 2%; labels 500, 20k, 1.5M.
Axis count_axis(double hi, int at_most);
std::string count_label(double value);  // four digits at most: 1.234M

// One panel's place and scales: data coordinates to pixels.
struct Plot {
  Box box;
  Axis x, y;
  Point at(double vx, double vy) const;
};

// The points a line of `columns` pixels can show: of every run of neighbours in one pixel column, the first, lowest,
// highest and last.
std::vector<Point> thinned(const std::vector<Point>& points, double columns);

// Heights for labels that want to stand at `wanted`: as near as possible (least squares), `gap` apart, inside [lo, hi],
// order kept. REQUIRES (wanted.size() - 1) gap <= hi - lo.
std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double lo, double hi);

// A line's or label's colour, as a class: series_class(i) for i < kSeries. Okabe and Ito's palette, which the
// colour-blind can tell apart.
inline constexpr size_t kSeries = 6;
std::string series_class(size_t i);

// What a picture's colours are in one scheme of the reader: CSS colours.
struct Scheme {
  const char *paper, *ink, *muted, *grid, *axis;
  const char* series[kSeries];
};
const Scheme& light_scheme();
const Scheme& dark_scheme();
// The rules of every class below, for a <style> that pictures share.
std::string picture_style();

enum class Anchor { kStart, kMiddle, kEnd };

class Svg {
 public:
  // `title` and `summary` are what a screen reader says; both are escaped.
  Svg(double width, double height, std::string_view title, std::string_view summary);
  // A picture inside an HTML page that holds picture_style() once: no style, no paper, no ids of its own.
  static Svg inside_page(double width, double height, std::string_view label);

  // `classes`: ink, muted, strong, head (text); grid, axis (lines); raw, line, dashed (curves) with a series_class().
  void text(double x, double y, std::string_view text, std::string_view classes, Anchor anchor = Anchor::kStart);
  void line(Point a, Point b, std::string_view classes);
  // Breaks where a coordinate is not finite; a point alone between two breaks becomes a dot.
  void curve(const std::vector<Point>& points, std::string_view classes);
  // The area between two lines of the same points along x, in a series_class(), see-through.
  void band(const std::vector<Point>& upper, const std::vector<Point>& lower, std::string_view series);
  void dot(Point centre, double radius, std::string_view classes);
  void square(Point centre, double radius, std::string_view classes);
  // Grid, ticks and labels; `x_name` stands under the middle.
  void axes(const Plot& plot, std::string_view x_name);
  std::string finish() &&;

 private:
  Svg() = default;
  std::string out_;
};

// Text for an XML element or attribute: specials escaped, control characters and broken UTF-8 replaced by U+FFFD.
std::string xml_escaped(std::string_view text);

}  // namespace minke
