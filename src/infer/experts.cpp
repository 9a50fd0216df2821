#include <algorithm>

#include "infer/engine_state.h"

namespace minke {

void append_experts(const ForwardSaved& saved, int64_t begin, int64_t n, int64_t top_k, std::vector<uint16_t>& out) {
  int64_t layers = 0;
  for (const BlockSaved& b : saved.blocks) layers += !b.moe.plan.offsets.empty();
  const size_t at = out.size();
  out.resize(at + size_t(n * layers * top_k));
  int64_t layer = 0;
  for (const BlockSaved& b : saved.blocks) {
    const ExpertPlan& plan = b.moe.plan;  // the choice itself is gone with its layer's memory
    if (plan.offsets.empty()) continue;
    for (int64_t r = 0; r < n; ++r)
      for (int64_t k = 0; k < top_k; ++k) {
        const int64_t place = plan.place[size_t((begin + r) * top_k + k)];
        const auto expert = std::upper_bound(plan.offsets.begin(), plan.offsets.end(), place) - plan.offsets.begin() - 1;
        out[at + size_t((r * layers + layer) * top_k + k)] = uint16_t(expert);
      }
    ++layer;
  }
}

}  // namespace minke
