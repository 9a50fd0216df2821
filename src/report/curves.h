#pragma once
// A training or fine-tuning run as one picture: loss, what was measured on held-out data, and the load of the busiest expert
// per layer, over tokens.
#include <string>
#include <string_view>
#include <vector>

#include "report/panel.h"
#include "report/run_metrics.h"

namespace minke {

// Loss; then, where there are numbers, held-out data; expert loads.
std::vector<Panel> run_panels(const RunMetrics& run);
// "step 1234, 2.5M tokens · loss 2.31 · ...": the last smoothed values of what the run has.
std::string summary_of(const RunMetrics& run);

// An SVG text of 800 px width. A panel whose numbers are absent (no evaluation, no experts) is left out, and its
// neighbour takes the room.
std::string draw_curves(const RunMetrics& run, std::string_view title);

}  // namespace minke
