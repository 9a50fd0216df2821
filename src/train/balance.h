#pragma once
// Expert balance without an auxiliary loss. DeepSeek-V3 report section 2.1.2; MaxVio: Wang et al. 2024, eq. 4.
#include <cstdint>
#include <vector>

#include "model/transformer.h"

namespace minke {

// b_i += gamma where expert i got fewer tokens than the mean of its layer in this step, -= gamma where more. Moves the masters.
void update_router_biases(Transformer& model, double gamma);

// MaxVio of a layer: (max load - mean load) / mean load; 0 is perfect, 0 also for no tokens.
double max_violation(const std::vector<int64_t>& loads);

}  // namespace minke
