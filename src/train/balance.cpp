#include "train/balance.h"

#include <algorithm>
#include <numeric>

namespace minke {

void update_router_biases(Transformer& model, double gamma) {
  if (gamma == 0) return;
  for (size_t layer = 0; layer < model.router_biases().size(); ++layer) {
    const std::string& name = model.router_biases()[layer];
    if (name.empty()) continue;
    const std::vector<int64_t>& loads = model.expert_loads()[layer];
    const int64_t total = std::accumulate(loads.begin(), loads.end(), int64_t(0)), n = int64_t(loads.size());
    float* bias = model.weights().master(name);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t above = loads[size_t(i)] * n - total;  // n (load - mean), exact
      if (above > 0) bias[i] -= float(gamma);
      if (above < 0) bias[i] += float(gamma);
    }
  }
}

double max_violation(const std::vector<int64_t>& loads) {
  const int64_t total = std::accumulate(loads.begin(), loads.end(), int64_t(0));
  if (total == 0) return 0;
  const double mean = double(total) / double(loads.size());
  return (double(*std::max_element(loads.begin(), loads.end())) - mean) / mean;
}

}  // namespace minke
