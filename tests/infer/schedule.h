#pragma once
// A random life of the engine: requests come, fork and go while a small pool makes them give way to one another. What each got is
// compared, bit for bit, with a run of its own and with the training forward.
#include <fmt/format.h>

#include "base/threads.h"
#include "infer/cached_run.h"
#include "infer/engine.h"

namespace minke {

struct ScheduleCounts {
  int64_t requests = 0, tokens = 0, steps = 0, preempted = 0, shared = 0, forks = 0, cancels = 0, forced = 0;
};

class Schedule {
 public:
  Schedule(Transformer& model, uint64_t seed) : model_(model), rng_(seed, 0x7363686564756c65), vocab_(model.config().vocab_size) {}

  // False, with a test failure, when an answer differs.
  void run(ScheduleCounts& counts) {
    form_ = rng_.below(4) ? CacheForm::kExpanded : CacheForm::kLatent;
    make_requests();
    EngineOptions o;
    o.prefill_chunk = pick({1, 3, 17, 64, 100, 512});
    o.step_rows = pick({2, 16, 90, 1000});
    o.max_sequences = pick({1, 2, 4, 16});
    int64_t longest = 0;
    for (const Request& r : requests_) longest = std::max(longest, pages(r.request));
    const int64_t page = cache_tile_bytes(model_.block(0).self_attn.dims, model_.compute(), form_) * model_.layers();
    if (rng_.below(4)) o.cache_bytes = page * (longest + int64_t(rng_.below(4)));
    set_thread_count(int(1 + rng_.below(2)));
    what_ = fmt::format("{} cache of {} pages, chunks of {}, {} rows a step, {} sequences, {} threads", form_ == CacheForm::kLatent ? "latent" : "expanded",
                        o.cache_bytes / page, o.prefill_chunk, o.step_rows, o.max_sequences, thread_count());
    Engine engine(model_, form_, o);
    play(engine, counts);
    counts.steps += engine.counts().steps;
    counts.tokens += engine.counts().tokens;
    counts.preempted += engine.counts().preempted;
    counts.shared += engine.counts().shared_prompts;
    counts.requests += int64_t(requests_.size());
    for (size_t i = 0; i < requests_.size() && !testing::Test::HasFailure(); ++i) check(i, counts);
  }

 private:
  struct Request {
    GenerateRequest request;
    bool hooked = false;
    uint64_t arrives = 0;               // step
    Engine::Id id = 0;
    size_t forked_at = 0;               // ids that the parent had
    Generation got;
  };

  int64_t pick(std::initializer_list<int64_t> of) { return *(of.begin() + rng_.below(of.size())); }
  static int64_t pages(const GenerateRequest& r) { return (int64_t(r.prompt.size()) + r.max_tokens - 1 + kKeyTile - 1) / kKeyTile; }

  void make_requests() {
    std::vector<Ids> prompts;
    for (int i = 0; i < 2; ++i) prompts.push_back(random_ids(pick({1, 5, 63, 64, 65, 100, 140}), vocab_, rng_.bits64()));
    const int64_t n = 2 + int64_t(rng_.below(5));
    for (int64_t i = 0; i < n; ++i) {
      Request r;
      r.request.prompt = prompts[rng_.below(prompts.size())];
      r.request.max_tokens = pick({1, 2, 10, 30});
      r.request.sampler.temperature = double(pick({0, 6, 10})) / 10;
      r.request.sampler.top_p = rng_.below(4) ? 1 : 0.9;
      r.request.sampler.seed = 3;
      r.request.sequence = uint64_t(i);
      r.request.record = rng_.below(4) > 0;
      r.request.record_experts = i % 3 != 1;
      if (rng_.below(2)) r.request.eos = {int64_t(rng_.below(uint64_t(vocab_))), int64_t(rng_.below(uint64_t(vocab_)))};
      r.hooked = rng_.below(2);
      r.arrives = rng_.below(2) ? 0 : rng_.below(30);
      requests_.push_back(std::move(r));
    }
  }

  // Bans two ids, and sometimes says which comes next: a function of what has been said alone.
  LogitsHook hook(bool hooked) const {
    if (!hooked) return {};
    return [this](size_t, std::span<const int32_t> ids, size_t, float* logits) {
      logits[1] = logits[2] = -INFINITY;
      const uint64_t h = random_block(5, uint64_t(ids.back()), ids.size()).v[0];
      return h % 5 ? kNoForce : int32_t(h / 5 % uint64_t(vocab_));
    };
  }

  void play(Engine& engine, ScheduleCounts& counts) {
    const size_t first = requests_.size();
    const Ids kept = requests_[0].request.prompt;
    const uint64_t keep_from = rng_.below(40), keep_to = keep_from + rng_.below(40);
    for (uint64_t step = 0;; ++step) {
      bool coming = step < keep_to;
      if (step == keep_from && keep_to > keep_from) engine.keep_prompt(kept);
      if (step == keep_to && keep_to > keep_from) engine.forget_prompt(kept);
      for (size_t i = 0; i < first; ++i) {
        Request& r = requests_[i];
        if (r.arrives == step) r.id = engine.submit(r.request, {}, hook(r.hooked));
        coming = coming || r.arrives > step;
      }
      const auto living = [&](size_t i) { return requests_[i].id && !engine.ended(requests_[i].id); };
      if (const size_t i = rng_.below(requests_.size()); rng_.below(12) == 0 && living(i) && requests_.size() < first + 3) {
        Request child = requests_[i];
        child.request.sequence = 100 + requests_.size();
        child.forked_at = engine.progress(child.id).ids.size();
        child.id = engine.fork(child.id, child.request.sequence);
        requests_.push_back(child);
        ++counts.forks;
      }
      if (const size_t i = rng_.below(requests_.size()); rng_.below(60) == 0 && living(i)) {
        engine.cancel(requests_[i].id);
        ++counts.cancels;
      }
      if (!engine.step() && !coming) break;
    }
    for (Request& r : requests_) r.got = engine.take(r.id);
  }

  static bool starts(const auto& whole, const auto& part) {
    return part.size() <= whole.size() && std::memcmp(whole.data(), part.data(), part.size() * sizeof(part[0])) == 0;
  }

  void check(size_t i, ScheduleCounts& counts) {
    const Request& r = requests_[i];
    const GenerateRequest& q = r.request;
    const Generation& got = r.got;
    const std::string what = fmt::format("request {} ({} + {} tokens, fork at {}): {}", i, q.prompt.size(), got.ids.size(), r.forked_at, what_);
    const bool whole = got.finish != FinishReason::kCancelled;
    ASSERT_EQ(got.forced.size(), got.ids.size()) << what;
    ASSERT_EQ(got.logp.size(), q.record ? got.ids.size() : 0) << what;
    if (!q.record_experts) {
      ASSERT_TRUE(got.experts.empty()) << what;
    }
    for (const uint8_t f : got.forced) counts.forced += f;

    // Alone: a fork's own part is an answer to all that had been said.
    GenerateRequest alone = q;
    alone.prompt.insert(alone.prompt.end(), got.ids.begin(), got.ids.begin() + int64_t(r.forked_at));
    alone.max_tokens -= int64_t(r.forked_at);
    set_thread_count(1);
    const Generation single = Engine(model_, form_).generate({alone}, {}, {}, hook(r.hooked))[0];
    const auto own = [&](const auto& v) { return std::vector(v.begin() + std::min(int64_t(v.size()), int64_t(r.forked_at)), v.end()); };
    EXPECT_TRUE(starts(single.ids, own(got.ids)) && (!whole || single.ids.size() == own(got.ids).size())) << "ids, " << what;
    EXPECT_TRUE(starts(single.forced, own(got.forced))) << "forced, " << what;
    EXPECT_TRUE(starts(single.logp, own(got.logp))) << "logp, " << what;
    EXPECT_TRUE(starts(single.experts, got.experts) && (!whole || single.experts.size() == got.experts.size())) << "experts, " << what;
    if (whole) {
      EXPECT_EQ(single.finish, got.finish) << what;
    }
    if (form_ == CacheForm::kExpanded && q.record && !got.ids.empty()) check_training(q, got, what);
  }

  // The loss's nll of every answered token, and the experts of the whole forward.
  void check_training(const GenerateRequest& q, const Generation& got, const std::string& what) {
    static Arena arena;
    ArenaScope scope(arena);
    Ids ids = q.prompt;
    ids.insert(ids.end(), got.ids.begin(), got.ids.end());
    Ids targets(ids.begin() + 1, ids.end());
    ids.pop_back();
    Rows rows;
    rows.add(int64_t(ids.size()), 0);
    ForwardSaved saved;
    model_.forward(rows, ids.data(), saved, arena, {}, true);
    std::vector<float> nll(ids.size()), scale(ids.size(), 1);
    HeadTargets head;
    head.ids = targets.data();
    head.scale = scale.data();
    head.temperature = q.sampler.temperature == 0 ? 1 : float(q.sampler.temperature);
    head_loss(model_.head(), saved.x, head, nll.data(), View{}, arena);
    for (size_t i = 0; i < got.ids.size(); ++i) {
      const float logp = -nll[q.prompt.size() - 1 + i];
      ASSERT_EQ(std::memcmp(&logp, &got.logp[i], 4), 0) << "token " << i << ": " << got.logp[i] << ", training says " << logp << ", " << what;
    }
    if (!q.record_experts) return;
    std::vector<uint16_t> experts;
    const int64_t k = model_.config().num_experts_per_tok;
    for (int64_t t = 0; t < rows.count(); ++t)
      for (int64_t l = 0; l < model_.layers(); ++l)
        if (model_.block(l).is_moe) {
          const int32_t* chosen = saved.blocks[size_t(l)].moe.chosen + t * k;
          experts.insert(experts.end(), chosen, chosen + k);
        }
    EXPECT_TRUE(starts(experts, got.experts)) << "experts of the training forward, " << what;
    EXPECT_EQ(experts.size(), got.experts.size()) << what;
  }

  Transformer& model_;
  Rng rng_;
  int64_t vocab_;
  CacheForm form_ = CacheForm::kExpanded;
  std::vector<Request> requests_;
  std::string what_;
};

}  // namespace minke
