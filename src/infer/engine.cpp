#include "infer/engine.h"

#include <algorithm>

#include "base/error.h"
#include "infer/engine_state.h"
#include "kernels/attention/attention.h"

namespace minke {
namespace {

int64_t pages_for(int64_t positions) { return (positions + kKeyTile - 1) / kKeyTile; }

int64_t tile_bytes(const Transformer& model, CacheForm form) { return cache_tile_bytes(model.block(0).self_attn.dims, model.compute(), form); }

int64_t most_pages(const EngineOptions& o, int64_t page_bytes) {
  if (o.cache_bytes == 0) return 0;
  if (o.cache_bytes < page_bytes)
    fail("cache memory of {} bytes: a page of {} positions alone takes {}", o.cache_bytes, kKeyTile, page_bytes);
  return o.cache_bytes / page_bytes;
}

}  // namespace

const char* finish_reason_name(FinishReason reason) {
  static const char* const kNames[] = {"stop", "length", "cancelled"};
  return kNames[size_t(reason)];
}

int64_t sequence_cache_bytes(const Transformer& model, CacheForm form, int64_t positions) {
  return pages_for(positions) * tile_bytes(model, form) * model.layers();
}

Engine::Engine(Transformer& model, CacheForm form, EngineOptions options)
    : model_(model),
      form_(form),
      options_(options),
      tile_bytes_(tile_bytes(model, form)),
      pool_(tile_bytes_ * model.layers(), most_pages(options, tile_bytes_ * model.layers())) {
  MINKE_CHECK(options.prefill_chunk >= 1 && options.step_rows >= 1 && options.max_sequences >= 1);
  if (form == CacheForm::kLatent) model.weights().use_absorbed();
}

Engine::~Engine() = default;

// ---- Requests ----

Engine::Sequence& Engine::find(Id id) const {
  const auto it = sequences_.find(id);
  if (it == sequences_.end()) fail("engine: no request {}", id);
  return *it->second;
}

Engine::Sequence& Engine::add(GenerateRequest request, const TokenHook& hook, const LogitsHook& logits_hook) {
  auto s = std::make_unique<Sequence>();
  s->id = next_id_++;
  s->request = std::move(request);
  s->hook = hook;
  s->logits_hook = logits_hook;
  Sequence& out = *s;
  sequences_.emplace(out.id, std::move(s));
  return out;
}

Engine::Id Engine::submit(GenerateRequest request, const TokenHook& hook, const LogitsHook& logits_hook) {
  MINKE_CHECK(!request.prompt.empty());
  const int64_t positions = int64_t(request.prompt.size()) + std::max<int64_t>(request.max_tokens, 1) - 1;
  if (pool_.max_pages() > 0 && pages_for(positions) > pool_.max_pages())
    fail("engine: a prompt of {} tokens and {} more need {} pages of {} positions, the cache has {}", request.prompt.size(), request.max_tokens,
         pages_for(positions), kKeyTile, pool_.max_pages());
  Sequence& s = add(std::move(request), hook, logits_hook);
  s.ids = s.request.prompt;
  if (s.request.max_tokens <= 0) {
    s.state = SequenceState::kEnded;
  } else {
    join_prompt(s);
    waiting_.push_back(&s);
  }
  return s.id;
}

Engine::Id Engine::fork(Id parent, uint64_t sequence) {
  Sequence& from = find(parent);
  Sequence& s = add(from.request, from.hook, from.logits_hook);
  s.request.sequence = sequence;
  s.ids = from.ids;
  s.out = from.out;
  if (s.request.record_experts)
    s.recorded_rows = from.recorded_rows;
  else
    s.out.experts.clear();
  if (from.state == SequenceState::kEnded) {
    s.state = SequenceState::kEnded;
  } else if (from.state == SequenceState::kRunning && int64_t(running_.size()) < options_.max_sequences) {
    s.cached = from.cached;
    s.pages = from.pages;
    for (void* page : s.pages) pool_.hold(page);
    s.state = SequenceState::kRunning;
    running_.push_back(&s);
  } else {
    waiting_.push_front(&s);
  }
  return s.id;
}

void Engine::cancel(Id id) {
  Sequence& s = find(id);
  if (s.state == SequenceState::kEnded) return;
  if (s.state == SequenceState::kRunning)
    std::erase(running_, &s);
  else
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &s));
  finish(s, FinishReason::kCancelled);
}

const Generation& Engine::progress(Id id) const { return find(id).out; }
bool Engine::ended(Id id) const { return find(id).state == SequenceState::kEnded; }

Generation Engine::take(Id id) {
  Sequence& s = find(id);
  MINKE_CHECK(s.state == SequenceState::kEnded);
  Generation out = std::move(s.out);
  sequences_.erase(id);
  return out;
}

void Engine::release(Sequence& s) {
  for (void* page : s.pages) pool_.drop(page);
  s.pages.clear();
  s.cached = 0;
  s.begun_from.reset();
  leave_prompt(s);
}

void Engine::finish(Sequence& s, FinishReason reason) {
  release(s);
  s.out.finish = reason;
  s.state = SequenceState::kEnded;
}

void Engine::preempt(Sequence& s) {
  release(s);
  s.state = SequenceState::kWaiting;
  waiting_.push_front(&s);
  ++counts_.preempted;
}

// ---- Prompts that several wait for: the first to enter leads, its cache and its last logits serve the others ----

void Engine::join_prompt(Sequence& s) {
  std::shared_ptr<Prompt>& p = prompts_[s.ids];
  if (!p) p = std::make_shared<Prompt>();
  s.prompt = p;
  ++p->waiting;
  p->record_experts = p->record_experts || s.request.record_experts;
}

void Engine::leave_prompt(Sequence& s) {
  if (!s.prompt) return;
  const std::shared_ptr<Prompt> p = std::move(s.prompt);
  s.prompt.reset();
  if (p->leader == &s)
    p->leader = nullptr;
  else
    --p->waiting;
  if (!s.request.record_experts) {
    s.out.experts.clear();  // were for the others
    s.recorded_rows = 0;
  }
  drop_unused(s.request.prompt);
}

void Engine::drop_unused(const std::vector<int32_t>& prompt) {
  const auto it = prompts_.find(prompt);
  if (it->second->waiting > 0 || it->second->leader) return;
  drop_shared(*it->second);
  prompts_.erase(it);
}

// One who keeps a prompt is one who waits for it and never comes.
void Engine::keep_prompt(const std::vector<int32_t>& prompt) {
  std::shared_ptr<Prompt>& p = prompts_[prompt];
  if (!p) p = std::make_shared<Prompt>();
  ++p->waiting;
}

void Engine::forget_prompt(const std::vector<int32_t>& prompt) {
  const auto it = prompts_.find(prompt);
  MINKE_CHECK(it != prompts_.end() && it->second->waiting > 0);
  --it->second->waiting;
  drop_unused(prompt);
}

void Engine::share_prompt(Sequence& s, const float* logits) {
  const std::shared_ptr<Prompt> p = s.prompt;
  if (p->waiting > 0) {
    p->pages = s.pages;
    for (void* page : p->pages) pool_.hold(page);
    p->logits = std::make_shared<std::vector<float>>(logits, logits + model_.config().vocab_size);
    p->experts = s.out.experts;
    p->has_experts = p->record_experts && s.recorded_rows == int64_t(s.ids.size());
  }
  leave_prompt(s);
}

void Engine::drop_shared(Prompt& p) {
  for (void* page : p.pages) pool_.drop(page);
  p.pages.clear();
  p.logits.reset();
}

// ---- The schedule ----

// Gives s what it needs to run. False: not now.
bool Engine::begin(Sequence& s) {
  if (const std::shared_ptr<Prompt> p = s.prompt) {
    if (p->leader) return false;
    if (p->logits && (!s.request.record_experts || p->has_experts)) {
      s.pages = p->pages;
      for (void* page : s.pages) pool_.hold(page);
      s.cached = int64_t(s.ids.size());
      s.begun_from = p->logits;
      if (s.request.record_experts) {
        s.out.experts = p->experts;
        s.recorded_rows = s.cached;
      }
      ++counts_.shared_prompts;
      leave_prompt(s);
      return true;
    }
    drop_shared(*p);
    p->leader = &s;
    --p->waiting;
  }
  return true;
}

// Waiting sequences run while there is room: for one that enters whole, for its pages; FIFO, but nobody waits behind those who wait for
// a prompt to enter.
void Engine::admit() {
  for (auto it = waiting_.begin(); it != waiting_.end() && int64_t(running_.size()) < options_.max_sequences;) {
    Sequence& s = **it;
    const bool shares = s.prompt && s.prompt->logits;
    const int64_t pages = shares ? 1 : pages_for(int64_t(s.ids.size()));
    if (!running_.empty() && pool_.available() < pages) break;
    if (!begin(s)) {
      ++it;
      continue;
    }
    it = waiting_.erase(it);
    s.state = SequenceState::kRunning;
    running_.push_back(&s);
  }
}

// Pages of its own for positions [s.cached, positions). Where the pool is full, prompts kept for others go first, then the youngest of
// the sequences not yet in this step. False: s itself has to wait.
bool Engine::make_room(Sequence& s, int64_t positions, size_t planned) {
  const auto until = [&](auto attempt) -> void* {
    while (true) {
      if (void* page = attempt()) return page;
      const auto kept = std::find_if(prompts_.begin(), prompts_.end(), [](const auto& p) { return !p.second->pages.empty(); });
      if (kept != prompts_.end()) {
        drop_shared(*kept->second);
      } else if (running_.size() > planned + 1) {
        Sequence* youngest = running_.back();
        running_.pop_back();
        preempt(*youngest);
      } else {
        return nullptr;
      }
    }
  };
  for (size_t i = size_t(s.cached / kKeyTile); i < size_t(pages_for(positions)); ++i) {
    if (i == s.pages.size()) {
      void* page = until([&] { return pool_.take(); });
      if (!page) return false;
      s.pages.push_back(page);
      continue;
    }
    void*& page = s.pages[i];
    void* own = until([&] { return pool_.shared(page) ? pool_.copy(page) : page; });
    if (!own) return false;
    if (own != page) pool_.drop(page);
    page = own;
  }
  return true;
}

std::vector<Generation> Engine::generate(const std::vector<GenerateRequest>& requests, const TokenHook& hook, const std::function<bool()>& stop,
                                         const LogitsHook& logits_hook) {
  std::vector<Id> ids;
  // Whatever happens, nothing of this call stays in the engine.
  struct Cleanup {
    Engine& engine;
    const std::vector<Id>& ids;
    ~Cleanup() {
      for (const Id id : ids)
        if (engine.sequences_.count(id)) {
          engine.cancel(id);
          engine.take(id);
        }
    }
  } cleanup{*this, ids};
  for (size_t i = 0; i < requests.size(); ++i) {
    const TokenHook on_token = !hook ? TokenHook{} : [&hook, i](size_t, int32_t id) { return hook(i, id); };
    const LogitsHook on_logits = !logits_hook ? LogitsHook{} : [&logits_hook, i](size_t, std::span<const int32_t> so_far, size_t prompt, float* logits) {
      return logits_hook(i, so_far, prompt, logits);
    };
    ids.push_back(submit(requests[i], on_token, on_logits));
  }
  for (size_t open = 0; open < ids.size();) {
    if (ended(ids[open])) {
      ++open;
      continue;
    }
    if (stop && stop()) break;
    step();
  }
  std::vector<Generation> out;
  for (const Id id : ids) {
    cancel(id);
    out.push_back(take(id));
  }
  return out;
}

}  // namespace minke
