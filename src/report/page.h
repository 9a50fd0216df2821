#pragma once
// Runs as one page: what each did, its panels, what all of it cost. One self-contained HTML file: no scripts, no fonts, no links, one
// column on a telephone; colours follow the reader's light or dark scheme, as the pictures' do.
#include <span>
#include <string>
#include <string_view>

#include "report/any_run.h"

namespace minke {

struct ReportedRun {
  std::string name;  // as the reader knows it: its folder
  AnyRun run;
};

// `price`: US dollars per core-hour. Names and titles may hold anything: they are escaped.
std::string report_page(std::string_view title, std::span<const ReportedRun> runs, double price);

}  // namespace minke
