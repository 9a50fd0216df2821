#pragma once
// A training run as one picture: loss, held-out bits per byte, and the load of the busiest expert per layer, over
// tokens.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "report/run_metrics.h"

namespace minke {

// Mean over the rows within `half` of each, NaN left out (a row that is NaN stays so). Near the start the window stays
// symmetric, so that the first steep fall is not drawn late; near the end it loses its later half.
std::vector<double> smoothed(const std::vector<double>& values, size_t half);

// An SVG text of 800 px width. A panel whose numbers are absent (no evaluation, no experts) is left out, and its
// neighbour takes the room.
std::string draw_curves(const RunMetrics& run, std::string_view title);

}  // namespace minke
