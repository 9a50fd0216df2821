#pragma once
// A run of RL as one picture: accuracy on held-out problems with its interval, reward, length of right and wrong answers, entropy and KL,
// groups that teach nothing, and what thoughts do, over steps.
#include <string>
#include <string_view>

#include "report/rl_metrics.h"

namespace minke {

// An SVG text of 800 px width. A panel whose numbers are absent is left out, and the next one takes its place.
std::string draw_rl_curves(const RlMetrics& run, std::string_view title);

}  // namespace minke
