#pragma once
// How well a model predicts given ids: main head only, the same forward as training.
#include <cstdint>
#include <functional>
#include <vector>

#include "model/transformer.h"

namespace minke {

struct Score {
  double nll = 0;                                  // sum of -log p over all targets, nats
  int64_t tokens = 0;                              // targets
  std::vector<std::vector<int64_t>> expert_loads;  // [MoE layers of the main model][experts]: tokens each expert got
};

// Each window's row i predicts its id i + 1; windows do not see one another. `stop` (may be empty) ends early. given[i] (empty: 1):
// the first ids of window i that are not scored.
Score score_windows(Transformer& model, const std::vector<std::vector<int32_t>>& windows, const std::function<bool()>& stop = {},
                    const std::vector<int64_t>& given = {});

}  // namespace minke
