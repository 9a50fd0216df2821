#pragma once
// A run of any kind, as its metrics.jsonl tells of it: what a picture or a page needs without asking which kind it is.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "report/panel.h"
#include "report/rl_metrics.h"
#include "report/run_metrics.h"

namespace minke {

struct AnyRun {
  std::variant<RunMetrics, RlMetrics> metrics;

  const RlMetrics* rl() const { return std::get_if<RlMetrics>(&metrics); }
  const char* kind() const;  // "Training", "Fine-tuning", "RL"
  int64_t steps() const;
  double tokens() const;
  double seconds() const, threads() const;  // of the run so far, and the threads that computed; NaN: not said
  std::string summary() const;              // one line
  std::vector<Panel> panels() const;        // they read this run
  std::string picture(std::string_view title) const;  // an SVG text
};

// The lines say what kind of run they are of. Errors: metrics_lines.h.
AnyRun parse_any_run(std::string_view text, const std::string& path);

}  // namespace minke
