#pragma once
// Sequences fed through a model with caches, a chunk at a time, keeping the logits of every position.
#include <vector>

#include "base/rng.h"
#include "checkpoint/oracle.h"
#include "kernels/attention/attention.h"

namespace minke {

using Ids = std::vector<int32_t>;
using Logits = std::vector<float>;  // [positions, vocab]

inline Ids random_ids(int64_t n, int64_t vocab, uint64_t seed) {
  Rng rng(seed);
  Ids ids(static_cast<size_t>(n));
  for (int32_t& id : ids) id = int32_t(rng.below(uint64_t(vocab)));
  return ids;
}

// What a forward over rows gave: logits, and the experts each row chose ([layers][rows, top_k], empty for dense layers).
struct PassResult {
  Logits logits;
  std::vector<std::vector<int32_t>> experts;
};

inline PassResult run_pass(Transformer& model, const Rows& rows, const Ids& ids, const std::vector<CacheView>& caches, bool with_experts) {
  static Arena arena;
  ArenaScope scope(arena);
  ForwardSaved saved;
  model.forward(rows, ids.data(), saved, arena, caches, with_experts);
  const int64_t vocab = model.config().vocab_size;
  View logits = take(arena, DType::kF32, rows.count(), vocab);
  model.logits(saved.x, logits);
  PassResult out;
  out.logits.assign(logits.f32(), logits.f32() + rows.count() * vocab);
  for (int64_t l = 0; with_experts && l < model.layers(); ++l) {
    const int32_t* chosen = model.block(l).is_moe ? saved.blocks[size_t(l)].moe.chosen : nullptr;
    out.experts.emplace_back(chosen, chosen ? chosen + rows.count() * model.config().num_experts_per_tok : chosen);
  }
  return out;
}

// The training forward: all positions of one sequence at once, without a cache.
inline PassResult whole_forward(Transformer& model, const Ids& ids, bool with_experts = false) {
  Rows rows;
  rows.add(int64_t(ids.size()), 0);
  return run_pass(model, rows, ids, {}, with_experts);
}

// All sequences side by side: each step takes the next chunk[i] positions of sequence i, then the next, in turns of `chunks`.
inline std::vector<PassResult> cached_forward(Transformer& model, CacheForm form, const std::vector<Ids>& sequences, const std::vector<int64_t>& chunks,
                                              bool with_experts = false) {
  const ModelConfig& c = model.config();
  const size_t layers = size_t(model.layers());
  const int64_t tile = cache_tile_bytes(model.block(0).self_attn.dims, model.compute(), form);
  std::vector<Buffer> memory;
  std::vector<std::vector<void*>> pages_of(sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i)
    for (size_t at = 0; at < sequences[i].size(); at += size_t(kKeyTile)) pages_of[i].push_back(memory.emplace_back(layers * size_t(tile)).data());
  std::vector<PassResult> out(sequences.size());
  std::vector<int64_t> at(sequences.size(), 0);
  for (size_t step = 0;; ++step) {
    Rows rows;
    Ids ids;
    std::vector<size_t> active;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const int64_t left = int64_t(sequences[i].size()) - at[i], n = std::min(left, chunks[(i + step) % chunks.size()]);
      if (n == 0) continue;
      rows.add(n, at[i]);
      ids.insert(ids.end(), sequences[i].begin() + at[i], sequences[i].begin() + at[i] + n);
      active.push_back(i);
    }
    if (active.empty()) break;
    std::vector<void* const*> pages;
    for (const size_t i : active) pages.push_back(pages_of[i].data());
    std::vector<CacheView> caches;
    for (size_t l = 0; l < layers; ++l) caches.push_back({form, int64_t(l) * tile, pages.data()});
    const PassResult pass = run_pass(model, rows, ids, caches, with_experts);
    for (size_t a = 0; a < active.size(); ++a) {
      const RowSegment& r = rows.segments[a];
      PassResult& to = out[active[a]];
      to.logits.insert(to.logits.end(), pass.logits.begin() + r.begin * c.vocab_size, pass.logits.begin() + (r.begin + r.n) * c.vocab_size);
      to.experts.resize(pass.experts.size());
      for (size_t l = 0; l < pass.experts.size(); ++l)
        if (const int64_t k = c.num_experts_per_tok; !pass.experts[l].empty())
          to.experts[l].insert(to.experts[l].end(), pass.experts[l].begin() + r.begin * k, pass.experts[l].begin() + (r.begin + r.n) * k);
      at[active[a]] += r.n;
    }
  }
  return out;
}

// Runs body once for each ISA here, with the thread count and ISA put back afterwards.
template <class Body>
void on_every_isa(const Body& body) {
  const Isa before = chosen_isa();
  for (const Isa isa : isas_here()) {
    SCOPED_TRACE(isa_name(isa));
    force_isa(isa);
    body();
  }
  force_isa(before);
}

}  // namespace minke
