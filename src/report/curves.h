#pragma once
// A training or fine-tuning run as one picture: loss, what was measured on held-out data, and the load of the busiest expert
// per layer, over tokens.
#include <string>
#include <string_view>

#include "report/run_metrics.h"

namespace minke {

// An SVG text of 800 px width. A panel whose numbers are absent (no evaluation, no experts) is left out, and its
// neighbour takes the room.
std::string draw_curves(const RunMetrics& run, std::string_view title);

}  // namespace minke
