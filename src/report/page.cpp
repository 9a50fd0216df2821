#include "report/page.h"

#include <fmt/format.h>

#include <cmath>

#include "report/rl_curves.h"

namespace minke {
namespace {

std::string page_style() {
  const auto colours = [](const Scheme& s) {
    return fmt::format("body{{background:{};color:{}}}p.muted,small,th,i{{color:{}}}h2{{border-top:1px solid {}}}th,td{{border-bottom:1px solid {}}}\n", s.paper, s.ink,
                       s.muted, s.grid, s.grid);
  };
  return ":root{color-scheme:light dark}\n"
         "body{margin:0;font:15px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif;overflow-wrap:anywhere}\n"
         "main{max-width:824px;margin:0 auto;padding:16px 12px 48px}h1{font-size:24px;line-height:1.25;margin:8px 0}\n"
         "h2{font-size:19px;line-height:1.3;margin:36px 0 0;padding-top:20px}p{margin:4px 0 12px}\n"
         ".score{font-size:22px;font-weight:600;margin:12px 0}.score small{font-size:14px;font-weight:400}\n"
         ".panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(400px,100%),1fr));gap:20px 24px;margin-top:16px}\n"
         "figure{margin:0;min-width:0}svg{display:block;max-width:100%;height:auto}\n"
         "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th{font-size:13px;font-weight:400}\n"
         "th,td{padding:7px 0 7px 10px;text-align:right;vertical-align:top;white-space:nowrap}th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal}\n"
         "td small{display:block}i{font-style:normal;font-size:13px}tr.sum td{font-weight:600;border-bottom:0}code{font:13px ui-monospace,'DejaVu Sans Mono',monospace}\n" +
         colours(light_scheme()) + "@media (prefers-color-scheme:dark){\n" + colours(dark_scheme()) + "}\n" + picture_style();
}

std::string figure(const Panel& panel) { return "<figure>" + figure_of(panel) + "</figure>\n"; }

std::string points(double share) { return fmt::format("{:.1f}%", 100 * share); }

// "38.0% → 45.8% [42.1, 49.6] of 512 held-out problems", where both were measured.
std::string score_of(const RlMetrics& run) {
  if (run.looks() < 2) return "";
  const size_t last = run.looks() - 1;
  std::string out = fmt::format("<p class=\"score\">{} → {} <small>", points(run.pass1[0]), points(run.pass1[last]));
  if (std::isfinite(run.low[last]) && std::isfinite(run.high[last])) out += fmt::format("[{:.1f}, {:.1f}] ", 100 * run.low[last], 100 * run.high[last]);
  return out + fmt::format("of {} held-out problems answered right</small></p>\n", run.held_out);
}

std::string section(const ReportedRun& reported) {
  const AnyRun& run = reported.run;
  std::string out = fmt::format("<section>\n<h2>{}: {}</h2>\n<p class=\"muted\">{}</p>\n", run.kind(), xml_escaped(reported.name), xml_escaped(run.summary()));
  if (run.rl()) out += score_of(*run.rl());
  out += "<div class=\"panels\">\n";
  if (run.rl()) {
    if (const std::optional<Panel> levels = levels_panel(*run.rl())) out += figure(*levels);
  }
  for (const Panel& panel : run.panels()) out += figure(panel);
  return out + "</div>\n</section>\n";
}

// The curve of all problems with its numbers beside it, then the families'.
std::string section(const ReportedDial& dial) {
  std::string out = fmt::format(
      "<section>\n<h2>The dial: {}</h2>\n<p class=\"muted\">Accuracy against tokens at every effort. Every token counts, those of samples that were not given too. Bars: 95% intervals.</p>\n"
      "<div class=\"panels\">\n",
      xml_escaped(dial.name));
  for (const DialCurve& curve : dial.curves) {
    out += figure(dial_panel(curve));
    if (&curve != &dial.curves[0]) continue;
    out += "<div><table>\n<tr><th>effort</th><th>right</th><th>tokens</th><th>samples</th></tr>\n";
    const auto add = [&](const DialPoint& p, const std::string& name) {
      const std::string interval = std::isfinite(p.low) && std::isfinite(p.high) ? fmt::format(" <i>[{:.1f}, {:.1f}]</i>", 100 * p.low, 100 * p.high) : "";
      out += fmt::format("<tr><td>{}</td><td>{}{}</td><td>{:.0f}</td><td>{}</td></tr>\n", xml_escaped(name), points(p.right), interval, p.tokens,
                         std::isfinite(p.samples) ? fmt::format("{:.1f}", p.samples) : "–");
    };
    for (const DialPoint& p : curve.efforts) add(p, p.effort);
    for (const DialPoint& p : curve.prices) add(p, fmt::format("{} at {:.2g}", p.effort, p.price));
    out += "</table></div>\n";
  }
  return out + "</div>\n</section>\n";
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  return seconds < 7200 ? fmt::format("{:.1f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

std::string money(double dollars) { return std::isfinite(dollars) ? fmt::format("${:.{}f}", dollars, dollars < 1 ? 4 : 2) : "–"; }

std::string bill(std::span<const ReportedRun> runs, double price) {
  std::string rows;
  double seconds = 0, dollars = 0;
  size_t known = 0;
  for (const auto& [name, run] : runs) {
    const double cost = run.seconds() / 3600 * run.threads() * price;
    const std::string threads = std::isfinite(run.threads()) ? fmt::format(" on {:.0f} {}", run.threads(), run.threads() == 1 ? "thread" : "threads") : "";
    rows += fmt::format("<tr><td>{}<small>{}: {} steps{}</small></td><td>{}</td><td>{}</td><td>{}</td></tr>\n", xml_escaped(name), run.kind(), run.steps(), threads,
                        count_label(run.tokens()), duration(run.seconds()), money(cost));
    if (std::isfinite(run.seconds())) seconds += run.seconds();
    if (std::isfinite(cost)) dollars += cost;
    known += std::isfinite(cost);
  }
  std::string out = "<section>\n<h2>The bill</h2>\n<table>\n<tr><th>run</th><th>tokens</th><th>time</th><th>cost</th></tr>\n" + rows;
  if (runs.size() > 1) {
    out += fmt::format("<tr class=\"sum\"><td>together</td><td></td><td>{}</td><td>{}{}</td></tr>\n", duration(seconds), known > 0 && known < runs.size() ? "≥ " : "",
                       money(known > 0 ? dollars : NAN));
  }
  return out + fmt::format("</table>\n<p class=\"muted\">At ${:g} per core-hour. Tokens: trained on, or of RL sampled.{}</p>\n</section>\n", price,
                           known == runs.size() ? "" : " –: this run's metrics.jsonl does not say on how many threads it ran.");
}

}  // namespace

std::string report_page(std::string_view title, std::span<const ReportedRun> runs, std::span<const ReportedDial> dials, double price) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<title>{0}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{1}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n",
      xml_escaped(title), page_style());
  for (const ReportedRun& run : runs) out += section(run);
  for (const ReportedDial& dial : dials) out += section(dial);
  if (!runs.empty()) out += bill(runs, price);
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace minke
