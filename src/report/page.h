#pragma once
// Runs as one page: what each did, its panels, what thinking buys, what all of it cost. One self-contained HTML file: no scripts, no fonts, no links, one
// column on a telephone; colours follow the reader's light or dark scheme, as the pictures' do.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/any_run.h"
#include "report/dial_curve.h"

namespace minke {

struct ReportedRun {
  std::string name;  // as the reader knows it: its folder
  AnyRun run;
};

struct ReportedDial {
  std::string name;  // its file
  std::vector<DialCurve> curves;
};

// `price`: US dollars per core-hour. Names and titles may hold anything: they are escaped.
std::string report_page(std::string_view title, std::span<const ReportedRun> runs, std::span<const ReportedDial> dials, double price);

}  // namespace minke
