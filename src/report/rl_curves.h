#pragma once
// A run of RL as one picture: accuracy on held-out problems with its interval, reward, length of right and wrong answers, entropy and KL,
// groups that teach nothing, and what thoughts do, over steps.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/panel.h"
#include "report/rl_metrics.h"

namespace minke {

// In the picture's order; one without numbers is left out.
std::vector<Panel> rl_panels(const RlMetrics& run);
// "step 300, 2.5M sampled tokens · held-out 38.0 → 45.8% [42.1, 49.6]"
std::string summary_of(const RlMetrics& run);
// Held-out accuracy at the first and the last look, of all problems and of each task and level, with intervals. Nothing before the second
// look, or where looks tell no levels apart.
std::optional<Panel> levels_panel(const RlMetrics& run);

// An SVG text of 800 px width. A panel whose numbers are absent is left out, and the next one takes its place.
std::string draw_rl_curves(const RlMetrics& run, std::string_view title);

}  // namespace minke
