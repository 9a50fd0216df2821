#include "report/dial_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"
#include "report/metrics_lines.h"

namespace minke {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kFixed = 0, kAuto = 1;  // colours

double scale(double tokens) { return std::log2(std::max(tokens, 1.0)); }

// Powers of two around the points, with room for a name at the left.
Axis token_axis(const std::vector<const DialPoint*>& points) {
  double lo = HUGE_VAL, hi = -HUGE_VAL;
  for (const DialPoint* p : points) lo = std::min(lo, scale(p->tokens)), hi = std::max(hi, scale(p->tokens));
  Axis axis;
  axis.lo = std::floor(lo - 0.5);
  axis.hi = std::max(axis.lo + 1, std::ceil(hi + 0.2));
  const double step = axis.hi - axis.lo > 8 ? 2 : 1;
  for (double k = axis.lo; k <= axis.hi; k += step) {
    axis.ticks.push_back(k);
    axis.labels.push_back(k < 13 ? fmt::format("{:.0f}", std::exp2(k)) : count_label(std::exp2(k)));
  }
  return axis;
}

// Below and right of each point, where a rising line leaves room; from the last one back, so that those before give way downwards. At the
// edges of the panel above and left.
void draw_names(Svg& svg, const DialCurve& curve, const std::vector<Point>& at, const Box& box) {
  constexpr double kLine = 13, kCharacter = 6.6;
  std::vector<Box> taken;
  for (size_t i = at.size(); i-- > 0;) {
    const std::string& name = curve.efforts[i].effort;
    Box b = {at[i].x + 8, at[i].y + 2, kCharacter * double(name.size()), kLine};
    const auto give_way = [&](bool down) {
      const auto meets = [&](const Box& o) { return b.x < o.right() && o.x < b.right() && b.y < o.bottom() && o.y < b.bottom(); };
      for (auto o = taken.begin(); o != taken.end();) {
        const bool met = meets(*o);
        if (met) b.y = down ? o->bottom() : o->y - b.h;
        o = met ? taken.begin() : o + 1;
      }
    };
    give_way(true);
    if (b.right() > box.right() || b.bottom() > box.bottom()) {
      b = {at[i].x - 6 - b.w, at[i].y - 3 - kLine, b.w, b.h};
      give_way(false);
    }
    taken.push_back(b);
    svg.text(b.x, b.y + kLine - 3, name, series_class(kFixed));
  }
}

void draw_dial(Svg& svg, const DialCurve& curve, const Box& box) {
  std::vector<const DialPoint*> points;
  for (const auto* list : {&curve.efforts, &curve.prices})
    for (const DialPoint& p : *list) points.push_back(&p);
  Plot plot;
  plot.box = box;
  plot.x = token_axis(points);
  double lo = 100, hi = 0;
  for (const DialPoint* p : points) {
    lo = std::min(lo, 100 * (std::isfinite(p->low) ? p->low : p->right));
    hi = std::max(hi, 100 * (std::isfinite(p->high) ? p->high : p->right));
  }
  plot.y = value_axis(lo, hi, 6);
  draw_heading(svg, plot, fmt::format("{}: right, %", fitted(curve.name, 34)), "");
  std::vector<KeyEntry> key = {{fmt::format("efforts, of {} problems", curve.problems), series_class(kFixed) + " line"}};
  if (!curve.prices.empty()) key.push_back({"auto, by price", series_class(kAuto) + " line"});
  draw_key(svg, plot, key);
  svg.axes(plot, "tokens a problem, all counted");

  const auto draw = [&](const std::vector<DialPoint>& list, size_t colour, bool line) {
    std::vector<Point> at, upper, lower;
    for (const DialPoint& p : list) {
      at.push_back(plot.at(scale(p.tokens), 100 * p.right));
      if (!std::isfinite(p.low) || !std::isfinite(p.high)) continue;
      svg.line(plot.at(scale(p.tokens), 100 * p.low), plot.at(scale(p.tokens), 100 * p.high), series_class(colour));
    }
    if (line && at.size() > 1) svg.curve(at, series_class(colour) + " line");
    return at;
  };
  for (const Point& p : draw(curve.prices, kAuto, true)) svg.square(p, 3, series_class(kAuto));
  const std::vector<Point> at = draw(curve.efforts, kFixed, true);
  for (const Point& p : at) svg.dot(p, 3.5, series_class(kFixed));
  draw_names(svg, curve, at, box);
}

}  // namespace

std::vector<DialCurve> parse_dial_curves(std::string_view text, const std::string& path) {
  std::vector<DialCurve> out = {{"all problems", 0, {}, {}}};
  const auto add = [](DialCurve& curve, int64_t problems, DialPoint p) {
    curve.problems = problems;
    (std::isfinite(p.price) ? curve.prices : curve.efforts).push_back(std::move(p));
  };
  for_each_metrics_line(text, path, [&](const Json& object, const std::string& where) {
    Fields fields(object, where);
    DialPoint p;
    p.effort = fields.text("effort");
    p.price = fields.number("price", 0, kLargestMetric, NAN);
    p.tokens = fields.number("tokens", 0, kLargestMetric);
    p.right = fields.number("accuracy", 0, 1);
    p.samples = fields.number("samples", 0, kLargestMetric, NAN);
    if (const std::vector<double> ci = metric_array(fields, "ci95", 2); ci.size() == 2) p.low = ci[0], p.high = ci[1];
    add(out[0], fields.integer("n", 1, kMostMetricTokens), p);

    // The levels of a family, added up.
    struct Sum {
      double n = 0, right = 0, tokens = 0;
    };
    std::map<std::string, Sum> families;
    const Json* levels = fields.raw("levels");
    if (levels && !levels->is_array()) fields.fail_at("levels", "an array of objects");
    for (size_t i = 0; levels && i < levels->size(); ++i) {
      Fields level((*levels)[i], fmt::format("{}levels[{}]: ", where, i));
      const double n = level.number("n", 1, kLargestMetric);
      Sum& s = families[level.text("family")];
      s.n += n;
      s.right += n * level.number("accuracy", 0, 1);
      s.tokens += n * level.number("tokens", 0, kLargestMetric);
    }
    if (families.size() < 2) return;
    for (const auto& [name, s] : families) {
      auto curve = std::find_if(out.begin() + 1, out.end(), [&](const DialCurve& c) { return c.name == name; });
      if (curve == out.end()) curve = out.insert(out.end(), DialCurve{name, 0, {}, {}});
      DialPoint q;
      q.effort = p.effort;
      q.price = p.price;
      q.tokens = s.tokens / s.n;
      q.right = std::min(1.0, s.right / s.n);
      add(*curve, std::llround(s.n), std::move(q));
    }
  });
  for (DialCurve& c : out) std::stable_sort(c.prices.begin(), c.prices.end(), [](const DialPoint& a, const DialPoint& b) { return a.tokens < b.tokens; });
  return out;
}

Panel dial_panel(const DialCurve& curve) {
  return {fmt::format("{}: accuracy against tokens", curve.name), [&curve](Svg& svg, const Box& box) { draw_dial(svg, curve, box); }};
}

}  // namespace minke
