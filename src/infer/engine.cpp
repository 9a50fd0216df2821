#include "infer/engine.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/loss/cross_entropy.h"

namespace minke {

const char* finish_reason_name(FinishReason reason) {
  static const char* const kNames[] = {"stop", "length", "cancelled"};
  return kNames[size_t(reason)];
}

// One growing sequence: its ids, how many of them the cache holds, and the cache.
struct Engine::Sequence {
  std::vector<int32_t> ids;
  int64_t cached = 0;
  int64_t capacity = 0;
  bool done = false;
  std::vector<Buffer> memory;          // [layers]
  std::vector<LayerCache> layers;      // views into memory
};

Engine::Engine(Transformer& model, CacheForm form) : model_(model), form_(form) {
  MINKE_CHECK(form == CacheForm::kExpanded || !model.weights().training());
}

void Engine::grow(Sequence& s, int64_t positions) {
  if (positions <= s.capacity) return;
  constexpr int64_t kStep = 256;
  const int64_t capacity = std::max((positions + kStep - 1) / kStep * kStep, s.capacity * 2);
  const ModelConfig& c = model_.config();
  const DType dtype = model_.compute();
  const int64_t wide = form_ == CacheForm::kLatent ? c.kv_lora_rank : c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim);
  const int64_t rope = c.qk_rope_head_dim;
  std::vector<Buffer> memory(static_cast<size_t>(model_.layers()));
  std::vector<LayerCache> layers(memory.size());
  for (size_t l = 0; l < memory.size(); ++l) {
    memory[l].resize(size_t(capacity * (wide + rope)) * dtype_bytes(dtype));
    layers[l].kv = {dtype, memory[l].data(), capacity, wide, wide};
    layers[l].k_rope = {dtype, memory[l].as<char>() + size_t(capacity * wide) * dtype_bytes(dtype), capacity, rope, rope};
    if (s.cached == 0) continue;
    copy(s.layers[l].kv.slice(0, s.cached), layers[l].kv.slice(0, s.cached));
    copy(s.layers[l].k_rope.slice(0, s.cached), layers[l].k_rope.slice(0, s.cached));
  }
  s.memory = std::move(memory);
  s.layers = std::move(layers);
  s.capacity = capacity;
}

namespace {

// Appends the experts that rows [begin, begin + n) chose, row by row: [MoE layers][K].
void append_experts(const ForwardSaved& saved, int64_t begin, int64_t n, int64_t top_k, std::vector<uint16_t>& out) {
  int64_t layers = 0;
  for (const BlockSaved& b : saved.blocks) layers += !b.moe.plan.offsets.empty();
  const size_t at = out.size();
  out.resize(at + size_t(n * layers * top_k));
  int64_t layer = 0;
  for (const BlockSaved& b : saved.blocks) {
    const ExpertPlan& plan = b.moe.plan;
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

}  // namespace

std::vector<Generation> Engine::generate(const std::vector<GenerateRequest>& requests, const TokenHook& hook, const std::function<bool()>& stop,
                                         const LogitsHook& logits_hook) {
  std::vector<Sequence> sequences(requests.size());
  std::vector<Generation> out(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    MINKE_CHECK(!requests[i].prompt.empty());
    sequences[i].ids = requests[i].prompt;
    sequences[i].done = requests[i].max_tokens <= 0;
  }

  const int64_t vocab = model_.config().vocab_size;
  while (true) {
    // The rows of this step: a chunk of each prompt still entering, else the newest token.
    Rows rows;
    std::vector<int32_t> ids;
    std::vector<size_t> active;
    for (size_t i = 0; i < sequences.size(); ++i) {
      Sequence& s = sequences[i];
      if (s.done) continue;
      const int64_t n = std::min<int64_t>(int64_t(s.ids.size()) - s.cached, prefill_chunk);
      grow(s, s.cached + n);
      rows.add(n, s.cached);
      ids.insert(ids.end(), s.ids.begin() + s.cached, s.ids.begin() + s.cached + n);
      active.push_back(i);
    }
    if (active.empty()) break;
    if (stop && stop()) {
      for (size_t i : active) out[i].finish = FinishReason::kCancelled;
      break;
    }

    std::vector<std::vector<LayerCache>> layer_caches(static_cast<size_t>(model_.layers()));
    std::vector<CacheView> caches;
    for (size_t l = 0; l < layer_caches.size(); ++l) {
      for (size_t i : active) layer_caches[l].push_back(sequences[i].layers[l]);
      caches.push_back({form_, layer_caches[l].data()});
    }
    ArenaScope scope(arena_);
    ForwardSaved saved;
    model_.forward(rows, ids.data(), saved, arena_, caches, false);

    // The last row of every sequence that has entered whole asks for a token.
    std::vector<size_t> asking;
    std::vector<int64_t> last_rows;
    for (size_t a = 0; a < active.size(); ++a) {
      Sequence& s = sequences[active[a]];
      const RowSegment& r = rows.segments[a];
      if (requests[active[a]].record) append_experts(saved, r.begin, r.n, model_.config().num_experts_per_tok, out[active[a]].experts);
      s.cached += r.n;
      if (s.cached < int64_t(s.ids.size())) continue;
      asking.push_back(active[a]);
      last_rows.push_back(r.begin + r.n - 1);
    }
    if (asking.empty()) continue;
    View x = take(arena_, model_.compute(), int64_t(asking.size()), saved.x.cols);
    View logits = take(arena_, DType::kF32, int64_t(asking.size()), vocab);
    for (size_t k = 0; k < asking.size(); ++k) copy(saved.x.slice(last_rows[k], 1), x.slice(int64_t(k), 1));
    model_.logits(x, logits);
    float* raw = arena_.take<float>(vocab);

    for (size_t k = 0; k < asking.size(); ++k) {
      const size_t i = asking[k];
      const GenerateRequest& r = requests[i];
      Sequence& s = sequences[i];
      float* row = static_cast<float*>(logits.row(int64_t(k)));
      if (r.record) std::copy_n(row, vocab, raw);
      int32_t id = logits_hook ? logits_hook(i, s.ids, r.prompt.size(), row) : kNoForce;
      out[i].forced.push_back(id != kNoForce);
      if (id == kNoForce) id = sample_token(vocab, row, r.sampler, r.sequence, int64_t(s.ids.size()));
      MINKE_CHECK(id >= 0 && id < vocab);
      if (r.record) {
        temper_rows(1, vocab, r.sampler.temperature == 0 ? 1 : float(r.sampler.temperature), raw);
        out[i].logp.push_back(token_logp(vocab, raw, id));
      }
      s.ids.push_back(id);
      out[i].ids.push_back(id);
      const bool eos = std::find(r.eos.begin(), r.eos.end(), int64_t(id)) != r.eos.end();
      const bool go_on = !hook || hook(i, id);
      if (eos) {
        out[i].finish = FinishReason::kStop;
        s.done = true;
      } else if (!go_on) {
        out[i].finish = FinishReason::kCancelled;
        s.done = true;
      } else if (int64_t(out[i].ids.size()) >= r.max_tokens) {
        out[i].finish = FinishReason::kLength;
        s.done = true;
      }
    }
  }
  cache_bytes_ = 0;
  for (const Sequence& s : sequences)
    for (const Buffer& b : s.memory) cache_bytes_ += int64_t(b.size());
  return out;
}

}  // namespace minke
