#include "report/any_run.h"

#include "report/curves.h"
#include "report/metrics_lines.h"
#include "report/rl_curves.h"

namespace minke {

AnyRun parse_any_run(std::string_view text, const std::string& path) {
  if (is_rl_metrics(text)) return {parse_rl_metrics(text, path)};
  return {parse_run_metrics(text, path)};
}

const char* AnyRun::kind() const { return rl() ? "RL" : std::get<RunMetrics>(metrics).fine_tuning ? "Fine-tuning" : "Training"; }
int64_t AnyRun::steps() const { return rl() ? rl()->steps : std::get<RunMetrics>(metrics).step.back(); }
double AnyRun::tokens() const { return rl() ? double(rl()->tokens) : std::get<RunMetrics>(metrics).tokens.back(); }
double AnyRun::seconds() const {
  return std::visit([](const auto& run) { return run.seconds; }, metrics);
}
double AnyRun::threads() const {
  return std::visit([](const auto& run) { return run.threads; }, metrics);
}
std::string AnyRun::summary() const {
  return std::visit([](const auto& run) { return summary_of(run); }, metrics);
}
std::vector<Panel> AnyRun::panels() const { return rl() ? rl_panels(*rl()) : run_panels(std::get<RunMetrics>(metrics)); }
std::string AnyRun::picture(std::string_view title) const { return rl() ? draw_rl_curves(*rl(), title) : draw_curves(std::get<RunMetrics>(metrics), title); }

}  // namespace minke
