#include "model/score.h"

#include <algorithm>
#include <numeric>

#include "base/memory.h"

namespace minke {

Score score_windows(Transformer& model, const std::vector<std::vector<int32_t>>& windows, const std::function<bool()>& stop,
                    const std::vector<int64_t>& given) {
  constexpr int64_t kRows = 4096;  // per forward; any number gives the same answer
  Score out;
  const MemoryScope kind(MemoryKind::kEvaluation);
  Arena arena;
  for (size_t next = 0; next < windows.size();) {
    if (stop && stop()) break;
    Rows rows;
    std::vector<int32_t> ids, targets;
    for (; next < windows.size() && (rows.count() == 0 || rows.count() + int64_t(windows[next].size()) <= kRows); ++next) {
      const std::vector<int32_t>& w = windows[next];
      if (w.size() < 2) continue;
      rows.add(int64_t(w.size()) - 1, 0);
      ids.insert(ids.end(), w.begin(), w.end() - 1);
      targets.insert(targets.end(), w.begin() + 1, w.end());
      if (!given.empty()) std::fill_n(targets.end() - (int64_t(w.size()) - 1), std::min<int64_t>(given[next] - 1, int64_t(w.size()) - 1), -1);
    }
    if (rows.count() == 0) continue;
    ArenaScope scope(arena);
    ForwardSaved saved;
    model.forward(rows, ids.data(), saved, arena, {}, false);
    std::vector<float> scale(targets.size(), 0.0f);
    std::vector<float> nll(targets.size());
    out.tokens += head_loss(model.head(), saved.x, {targets.data(), scale.data(), 1, {}}, nll.data(), View{}, arena);
    // A sum per window, then over windows: no bit depends on which windows share a forward.
    for (const RowSegment& r : rows.segments)
      out.nll += std::accumulate(nll.begin() + r.begin, nll.begin() + r.begin + r.n, 0.0);

    size_t layer = 0;
    for (const BlockSaved& b : saved.blocks) {
      const std::vector<int64_t>& offsets = b.moe.plan.offsets;
      if (offsets.empty()) continue;  // a dense layer
      if (out.expert_loads.size() == layer) out.expert_loads.emplace_back(offsets.size() - 1, 0);
      for (size_t e = 0; e + 1 < offsets.size(); ++e) out.expert_loads[layer][e] += offsets[e + 1] - offsets[e];
      ++layer;
    }
  }
  return out;
}

}  // namespace minke
