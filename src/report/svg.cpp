#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace minke {
namespace {

constexpr Scheme kLight = {"#ffffff", "#1f2328", "#59636e", "#e4e8ec", "#9aa4ae", {"#0072b2", "#d55e00", "#009e73", "#b0508f", "#b07d00", "#3d3d9e"}};
constexpr Scheme kDark = {"#0d1117", "#f0f6fc", "#9da7b3", "#262c36", "#656d78", {"#56b4e9", "#ff8b3d", "#2bc99a", "#e59ac8", "#f0c444", "#a5a5ff"}};

// A coordinate: a tenth of a pixel is finer than a screen shows.
std::string px(double value) {
  MINKE_CHECK(std::isfinite(value));
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

bool finite(const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// Bytes of the UTF-8 character that `text` starts with; 0 if it is none, or none that XML allows.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return uint8_t(text[i]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7f ? 1 : 0;
  const size_t n = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < n) return 0;
  uint32_t code = byte(0) & (0xff >> (n + 1));
  for (size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  const bool forbidden =
      (code >= 0xd800 && code < 0xe000) || code > 0x10ffff || code == 0xfffe || code == 0xffff || code < 0xa0;
  return overlong || forbidden ? 0 : n;
}

}  // namespace

const Scheme& light_scheme() { return kLight; }
const Scheme& dark_scheme() { return kDark; }

std::string picture_style() {
  const auto colours = [](const Scheme& s) {
    std::string css = fmt::format(
        ".paper{{fill:{}}}.ink,.strong,.head{{fill:{}}}.muted{{fill:{}}}.grid{{stroke:{}}}.axis{{stroke:{}}}\n", s.paper,
        s.ink, s.muted, s.grid, s.axis);
    for (size_t i = 0; i < kSeries; ++i) {
      css += fmt::format("path.{0},line.{0}{{stroke:{1}}}text.{0},circle.{0},rect.{0},path.{0}.band{{fill:{1}}}\n",
                         series_class(i), s.series[i]);
    }
    return css;
  };
  return "text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif}"
         ".strong{font-size:13px;font-weight:600}.head{font-size:17px;font-weight:600}\n"
         "path{fill:none;stroke-linejoin:round;stroke-linecap:round}.grid,.axis{stroke-width:1}"
         ".raw{stroke-width:1;opacity:.5}.line{stroke-width:2}.dashed{stroke-dasharray:6 4}"
         "path.band{stroke-width:0;opacity:.18}\n" +
         colours(kLight) + "@media (prefers-color-scheme:dark){\n" + colours(kDark) + "}\n";
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = character_bytes(text);
    const std::string_view c = text.substr(0, std::max<size_t>(n, 1));
    if (n == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == "<") {
      out += "&lt;";
    } else if (c == ">") {
      out += "&gt;";
    } else if (c == "&") {
      out += "&amp;";
    } else if (c == "\"") {
      out += "&quot;";
    } else {
      out += c;
    }
    text.remove_prefix(c.size());
  }
  return out;
}

double nice_step(double span, int at_most) {
  MINKE_CHECK(span > 0 && std::isfinite(span) && at_most > 0);
  const double least = span / at_most, power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

Axis value_axis(double lo, double hi, int at_most) {
  MINKE_CHECK(std::isfinite(lo) && std::isfinite(hi));
  if (lo > hi) std::swap(lo, hi);
  // Closer than a double can cut into steps: the range is the value give or take a twentieth.
  if (hi - lo <= 1e-9 * std::max(std::abs(lo), std::abs(hi)) || hi == lo) {
    const double around = hi == 0 ? 0.5 : 0.05 * std::abs(hi);
    lo -= around;
    hi += around;
  }
  Axis axis;
  double step = nice_step(hi - lo, at_most);
  double first = std::floor(lo / step + 1e-9), last = std::ceil(hi / step - 1e-9);
  if (last - first > at_most) {  // moving the ends out made one step too many
    step = nice_step((last - first) * step, at_most);
    first = std::floor(lo / step + 1e-9);
    last = std::ceil(hi / step - 1e-9);
  }
  axis.lo = first * step;
  axis.hi = last * step;
  const int decimals = std::clamp(int(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  const bool plain = std::max(std::abs(axis.lo), std::abs(axis.hi)) < 1e5 && decimals <= 5;
  for (double k = first; k <= last; ++k) {
    const double value = k == 0 ? 0 : k * step;
    axis.ticks.push_back(value);
    axis.labels.push_back(plain ? fmt::format("{:.{}f}", value, decimals) : fmt::format("{:.3g}", value));
  }
  return axis;
}

Axis count_axis(double hi, int at_most) {
  Axis axis;
  axis.hi = hi > 0 ? hi : 1;
  const double step = nice_step(axis.hi, at_most), next = std::ceil(axis.hi / step) * step;
  if (next <= 1.02 * axis.hi) axis.hi = next;  // 1.999M: the tick of 2M is worth the pixels
  for (int k = 0; k * step <= axis.hi * (1 + 1e-9); ++k) {
    axis.ticks.push_back(k * step);
    axis.labels.push_back(count_label(k * step));
  }
  return axis;
}

std::string count_label(double value) {
  const struct {
    double unit;
    const char* letter;
  } kUnits[] = {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, letter] : kUnits) {
    if (value >= unit) return fmt::format("{:.4g}{}", value / unit, letter);
  }
  return fmt::format("{:.4g}", value);
}

Point Plot::at(double vx, double vy) const {
  return {box.x + (vx - x.lo) / (x.hi - x.lo) * box.w, box.bottom() - (vy - y.lo) / (y.hi - y.lo) * box.h};
}

std::vector<Point> thinned(const std::vector<Point>& points, double columns) {
  if (double(points.size()) <= 2 * columns) return points;
  std::vector<Point> out;
  for (size_t begin = 0, end; begin < points.size(); begin = end) {
    if (!finite(points[begin])) {
      out.push_back(points[begin]);
      end = begin + 1;
      continue;
    }
    size_t low = begin, high = begin;
    for (end = begin + 1; end < points.size() && finite(points[end]); ++end) {
      if (std::floor(points[end].x) != std::floor(points[begin].x)) break;
      if (points[end].y < points[low].y) low = end;
      if (points[end].y > points[high].y) high = end;
    }
    size_t keep[] = {begin, std::min(low, high), std::max(low, high), end - 1};
    for (size_t i = 0; i < 4; ++i) {
      if (i == 0 || keep[i] != keep[i - 1]) out.push_back(points[keep[i]]);
    }
  }
  return out;
}

std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double lo, double hi) {
  const size_t n = wanted.size();
  if (n == 0) return {};
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return wanted[a] < wanted[b]; });
  // With k gaps taken off the k-th, "at least a gap apart" becomes "not falling": pool neighbours that fall into their
  // mean.
  struct Pool {
    double sum;
    size_t count;
    double mean() const { return sum / double(count); }
  };
  std::vector<Pool> pools;
  for (size_t k = 0; k < n; ++k) {
    pools.push_back({wanted[order[k]] - double(k) * gap, 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().sum += last.sum;
      pools.back().count += last.count;
    }
  }
  std::vector<double> out(n);
  size_t k = 0;
  for (const Pool& pool : pools) {
    const double base = std::clamp(pool.mean(), lo, std::max(lo, hi - double(n - 1) * gap));
    for (size_t i = 0; i < pool.count; ++i, ++k) out[order[k]] = base + double(k) * gap;
  }
  return out;
}

std::string series_class(size_t i) {
  MINKE_CHECK_LT(i, kSeries);
  return fmt::format("s{}", i);
}

Svg::Svg(double width, double height, std::string_view title, std::string_view summary) {
  out_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-labelledby=\"title summary\">\n<title id=\"title\">{2}</title>\n<desc id=\"summary\">{3}</desc>\n<style>\n{4}</style>\n"
      "<rect class=\"paper\" width=\"{0}\" height=\"{1}\" rx=\"6\"/>\n",
      px(width), px(height), xml_escaped(title), xml_escaped(summary), picture_style());
}

Svg Svg::inside_page(double width, double height, std::string_view label) {
  Svg svg;
  svg.out_ = fmt::format("<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\">\n", px(width), px(height),
                         xml_escaped(label));
  return svg;
}

void Svg::text(double x, double y, std::string_view text, std::string_view classes, Anchor anchor) {
  const char* where = anchor == Anchor::kStart    ? ""
                      : anchor == Anchor::kMiddle ? " text-anchor=\"middle\""
                                                  : " text-anchor=\"end\"";
  out_ += fmt::format("<text x=\"{}\" y=\"{}\" class=\"{}\"{}>{}</text>\n", px(x), px(y), classes, where,
                      xml_escaped(text));
}

void Svg::line(Point a, Point b, std::string_view classes) {
  out_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>\n", px(a.x), px(a.y), px(b.x),
                      px(b.y), classes);
}

void Svg::curve(const std::vector<Point>& points, std::string_view classes) {
  std::string path;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!finite(points[i])) continue;
    const bool begins = i == 0 || !finite(points[i - 1]), ends = i + 1 == points.size() || !finite(points[i + 1]);
    if (begins && ends) {
      dot(points[i], 2.5, classes);
    } else {
      path += fmt::format("{}{} {}", begins ? 'M' : 'L', px(points[i].x), px(points[i].y));
    }
  }
  if (!path.empty()) out_ += fmt::format("<path d=\"{}\" class=\"{}\"/>\n", path, classes);
}

void Svg::band(const std::vector<Point>& upper, const std::vector<Point>& lower, std::string_view series) {
  MINKE_CHECK_EQ(upper.size(), lower.size());
  std::string path;
  const auto add = [&](const Point& p) { path += fmt::format("{}{} {}", path.empty() ? 'M' : 'L', px(p.x), px(p.y)); };
  for (const Point& p : upper) add(p);
  for (size_t i = lower.size(); i-- > 0;) add(lower[i]);
  if (upper.size() > 1) out_ += fmt::format("<path d=\"{}Z\" class=\"{} band\"/>\n", path, series);
}

void Svg::dot(Point centre, double radius, std::string_view classes) {
  out_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" class=\"{}\"/>\n", px(centre.x), px(centre.y), px(radius),
                      classes);
}

void Svg::square(Point centre, double radius, std::string_view classes) {
  out_ += fmt::format("<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" class=\"{3}\"/>\n", px(centre.x - radius),
                      px(centre.y - radius), px(2 * radius), classes);
}

void Svg::axes(const Plot& plot, std::string_view x_name) {
  const Box& box = plot.box;
  for (size_t i = 0; i < plot.y.ticks.size(); ++i) {
    const double y = plot.at(plot.x.lo, plot.y.ticks[i]).y;
    line({box.x, y}, {box.right(), y}, "grid");
    text(box.x - 8, y + 4, plot.y.labels[i], "muted", Anchor::kEnd);
  }
  line({box.x, box.bottom()}, {box.right(), box.bottom()}, "axis");
  for (size_t i = 0; i < plot.x.ticks.size(); ++i) {
    const double x = plot.at(plot.x.ticks[i], plot.y.lo).x;
    line({x, box.bottom()}, {x, box.bottom() + 5}, "axis");
    text(x, box.bottom() + 19, plot.x.labels[i], "muted", Anchor::kMiddle);
  }
  text(box.x + box.w / 2, box.bottom() + 37, x_name, "muted", Anchor::kMiddle);
}

std::string Svg::finish() && { return std::move(out_) + "</svg>\n"; }

}  // namespace minke
