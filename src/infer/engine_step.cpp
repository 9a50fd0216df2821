// One step: which rows, one forward per part, a draw for every sequence that has entered whole.
#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "infer/engine_state.h"
#include "kernels/loss/cross_entropy.h"

namespace minke {

// The token, unless it is forced, and its log-probability.
void Engine::draw_row(Draw& d) const {
  const int64_t vocab = model_.config().vocab_size;
  const Sequence& s = *d.sequence;
  const SamplerOptions& o = s.request.sampler;
  if (!d.forced) d.id = sample_token(vocab, d.logits, o, s.request.sequence, int64_t(s.ids.size()));
  d.done = true;
  if (!s.request.record) return;
  float* raw = d.raw ? d.raw : d.logits;  // nobody looks at the row again
  temper_rows(1, vocab, o.temperature == 0 ? 1 : float(o.temperature), raw);
  d.logp = token_logp(vocab, raw, d.id);
}

// The sequences of this step, with their numbers of new rows.
std::vector<Engine::Sequence*> Engine::plan() {
  std::vector<Sequence*> planned;
  int64_t left = options_.step_rows;
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& s = *running_[i];
    if (s.cached == int64_t(s.ids.size()) && !s.begun_from) --s.cached;  // a hook threw before the draw: the row comes again
    s.rows = std::min({int64_t(s.ids.size()) - s.cached, options_.prefill_chunk, left});
    if (s.rows == 0 && !s.begun_from) continue;
    if (!make_room(s, s.cached + s.rows, i)) {
      running_.erase(running_.begin() + int64_t(i));
      preempt(s);
      break;
    }
    left -= s.rows;
    planned.push_back(&s);
  }
  return planned;
}

// One part for each thread if every one gets enough rows, else one for all.
void Engine::cut(const std::vector<Sequence*>& planned) {
  constexpr int64_t kFewestRows = 16;  // every part reads all weights
  int64_t rows = 0, most = 0;
  for (const Sequence* s : planned) rows += s->rows, most = std::max(most, s->rows);
  int64_t parts = thread_count();
  if (rows < parts * kFewestRows || 2 * most * parts > rows + 2 * parts) parts = 1;
  used_parts_ = 0;
  int64_t before = 0;
  for (Sequence* s : planned) {
    if (used_parts_ == 0 || (before >= rows * int64_t(used_parts_) / parts && int64_t(used_parts_) < parts)) {
      if (used_parts_ == parts_.size()) parts_.push_back(std::make_unique<Part>());
      Part& p = *parts_[used_parts_++];
      p.sequences.clear();
      p.rows = {};
      p.ids.clear();
      p.draws.clear();
      p.arena.release({});
    }
    Part& p = *parts_[used_parts_ - 1];
    p.sequences.push_back(s);
    if (s->rows > 0) {
      p.rows.add(s->rows, s->cached);
      p.ids.insert(p.ids.end(), s->ids.begin() + s->cached, s->ids.begin() + s->cached + s->rows);
    }
    const bool whole = s->cached + s->rows == int64_t(s->ids.size());
    if (whole) p.draws.push_back({s, s->rows > 0 ? p.rows.count() - 1 : -1});
    before += s->rows;
  }
}

bool Engine::step() {
  admit();
  if (running_.empty()) return false;
  const std::vector<Sequence*> planned = plan();
  cut(planned);
  int64_t longest = 0;
  for (const Sequence* s : planned) longest = std::max(longest, int64_t(s->ids.size()));
  model_.reserve(longest);
  parallel_for(int64_t(used_parts_), [&](int64_t i) { run(*parts_[size_t(i)]); });
  std::vector<Draw*> draws;
  for (size_t i = 0; i < used_parts_; ++i) {
    counts_.rows += parts_[i]->rows.count();
    for (Draw& d : parts_[i]->draws) {
      if (d.row >= 0 && d.sequence->prompt) share_prompt(*d.sequence, d.logits);
      draws.push_back(&d);
    }
  }
  draw(draws);
  std::erase_if(running_, [](const Sequence* s) { return s->state != SequenceState::kRunning; });
  ++counts_.steps;
  return true;
}

// Forward of a part, the logits its draws want, and those draws that need nobody else. Touches its own sequences alone: parts run side
// by side.
void Engine::run(Part& part) {
  forward(part);
  const int64_t vocab = model_.config().vocab_size;
  for (Draw& d : part.draws) {
    const Sequence& s = *d.sequence;
    if (!s.logits_hook && !s.prompt) draw_row(d);  // the logits lie in this core's cache
    if (s.logits_hook && s.request.record) {
      d.raw = part.arena.take<float>(vocab);
      std::copy_n(d.logits, vocab, d.raw);
    }
  }
}

void Engine::forward(Part& part) {
  const int64_t vocab = model_.config().vocab_size, top_k = model_.config().num_experts_per_tok;
  View logits = minke::take(part.arena, DType::kF32, int64_t(part.draws.size()), vocab);
  for (size_t k = 0; k < part.draws.size(); ++k) part.draws[k].logits = static_cast<float*>(logits.row(int64_t(k)));
  for (const Draw& d : part.draws)
    if (d.row < 0) std::copy(d.sequence->begun_from->begin(), d.sequence->begun_from->end(), d.logits);
  if (part.rows.count() == 0) return;

  std::vector<void* const*> pages;
  std::erase_if(part.sequences, [](const Sequence* s) { return s->rows == 0; });
  for (const Sequence* s : part.sequences) pages.push_back(s->pages.data());
  std::vector<CacheView> caches;
  for (int64_t l = 0; l < model_.layers(); ++l) caches.push_back({form_, l * tile_bytes_, pages.data()});
  ForwardSaved saved;
  model_.forward(part.rows, part.ids.data(), saved, part.arena, caches, false);

  for (size_t i = 0; i < part.sequences.size(); ++i) {
    Sequence& s = *part.sequences[i];
    const RowSegment& r = part.rows.segments[i];
    s.cached += r.n;
    // After a preemption rows come again: what they chose is known.
    const int64_t known = std::min(std::max<int64_t>(s.recorded_rows - r.first, 0), r.n);
    if (s.request.record_experts || (s.prompt && s.prompt->record_experts)) {
      append_experts(saved, r.begin + known, r.n - known, top_k, s.out.experts);
      s.recorded_rows += r.n - known;
    }
  }
  // The logits of rows that ask for a token, run by run of neighbours among the draws.
  for (size_t k = 0; k < part.draws.size();) {
    size_t end = k;
    while (end < part.draws.size() && part.draws[end].row >= 0) ++end;
    if (end == k) {
      ++k;
      continue;
    }
    View x = minke::take(part.arena, model_.compute(), int64_t(end - k), saved.x.cols);
    for (size_t j = k; j < end; ++j) copy(saved.x.slice(part.draws[j].row, 1), x.slice(int64_t(j - k), 1));
    model_.logits(x, logits.slice(int64_t(k), int64_t(end - k)));
    k = end;
  }
}

void Engine::draw(const std::vector<Draw*>& draws) {
  const int64_t vocab = model_.config().vocab_size;
  for (Draw* draw : draws) {
    Draw& d = *draw;
    Sequence& s = *d.sequence;
    if (!s.logits_hook) continue;
    d.id = s.logits_hook(s.id, s.ids, s.request.prompt.size(), d.logits);
    if (d.id != kNoForce && (d.id < 0 || d.id >= vocab)) fail("engine: the logits hook forced id {}, outside the vocabulary of {}", d.id, vocab);
    d.forced = d.id != kNoForce;
  }
  std::vector<Draw*> left;
  for (Draw* d : draws)
    if (!d->done) left.push_back(d);
  parallel_for(int64_t(left.size()), [&](int64_t k) { draw_row(*left[size_t(k)]); });
  for (const Draw* drawn : draws) {
    const Draw& d = *drawn;
    Sequence& s = *d.sequence;
    const GenerateRequest& r = s.request;
    s.begun_from.reset();
    s.ids.push_back(d.id);
    s.out.ids.push_back(d.id);
    s.out.forced.push_back(d.forced);
    if (r.record) s.out.logp.push_back(d.logp);
    ++counts_.tokens;
    const bool eos = std::find(r.eos.begin(), r.eos.end(), int64_t(d.id)) != r.eos.end();
    const bool go_on = !s.hook || s.hook(s.id, d.id);
    if (eos)
      finish(s, FinishReason::kStop);
    else if (!go_on)
      finish(s, FinishReason::kCancelled);
    else if (int64_t(s.out.ids.size()) >= r.max_tokens)
      finish(s, FinishReason::kLength);
  }
}

}  // namespace minke
