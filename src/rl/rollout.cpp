#include "rl/rollout.h"

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"

namespace minke {
namespace {

constexpr uint64_t kCapStream = 0x7468696e6b636170;  // "thinkcap"

// Where one sequence stands between its limits. The engine asks for its tokens one after another.
struct Limiter {
  int64_t think_cap = 0;
  bool closed = false;
  int64_t closed_at = 0;   // completion tokens up to and with </think>
  bool cut = false, ended = false;

  int32_t force(const RolloutRequest& r, int64_t generated, int32_t last) {
    if (!closed && generated > 0 && last == r.end_of_thinking) {
      closed = true;
      closed_at = generated;
    }
    if (!closed && generated >= think_cap) {
      cut = closed = true;
      closed_at = generated + 1;
      return r.end_of_thinking;
    }
    if (closed && generated - closed_at >= r.limits.answer_tokens) {
      ended = true;
      return int32_t(r.eos.front());
    }
    return kNoForce;
  }
};

}  // namespace

int64_t think_cap(const RolloutLimits& limits, uint64_t seed, uint64_t problem) {
  return Rng(seed, kCapStream, problem).range(limits.think_min, limits.think_max);
}

std::vector<RolloutSample> roll_out(Engine& engine, std::span<const RolloutPrompt> prompts, const RolloutRequest& r, const std::function<bool()>& stop) {
  MINKE_CHECK(!r.eos.empty() && r.end_of_thinking >= 0 && r.samples >= 1);
  std::vector<GenerateRequest> requests;
  std::vector<Limiter> limiters;
  for (const RolloutPrompt& p : prompts) {
    const int64_t room = r.positions - int64_t(p.ids.size());
    if (room < 1) fail("problem {}: its prompt has {} tokens, the model {} positions; leave long problems out", p.problem, p.ids.size(), r.positions);
    Limiter limiter;
    limiter.think_cap = p.think_cap;
    limiter.closed = p.think_cap == 0;
    for (int64_t i = 0; i < r.samples; ++i) {
      GenerateRequest g;
      g.prompt = p.ids;
      g.max_tokens = std::min(p.think_cap + 1 + r.limits.answer_tokens + 1, room);
      g.sampler = r.sampler;
      g.eos = r.eos;
      g.sequence = p.problem * uint64_t(r.samples) + uint64_t(i);
      g.record = r.record;
      requests.push_back(std::move(g));
      limiters.push_back(limiter);
    }
  }
  bool stopped = false;
  const std::vector<Generation> generated = engine.generate(
      requests, {}, [&] { return stopped = stopped || (stop && stop()); },
      [&](size_t i, std::span<const int32_t> ids, size_t prompt, float*) {
        return limiters[i].force(r, int64_t(ids.size() - prompt), ids.back());
      });
  if (stopped) return {};

  std::vector<RolloutSample> out;
  for (size_t i = 0; i < generated.size(); ++i) {
    const Generation& g = generated[i];
    RolloutSample s;
    s.prompt = i / size_t(r.samples);
    s.policy.ids = requests[i].prompt;
    s.policy.prompt = int64_t(s.policy.ids.size());
    s.policy.ids.insert(s.policy.ids.end(), g.ids.begin(), g.ids.end());
    s.policy.old_logp = g.logp;
    s.policy.forced = g.forced;
    s.thinking = prompts[s.prompt].think_cap > 0;
    s.thinking_cut = limiters[i].cut;
    s.truncated = limiters[i].ended || g.finish != FinishReason::kStop;
    // The limiter did not see the last token.
    const auto close = std::find(g.ids.begin(), g.ids.end(), r.end_of_thinking);
    const int64_t n = int64_t(g.ids.size()) - (g.finish == FinishReason::kStop), before = close - g.ids.begin();
    s.think_tokens = s.thinking ? std::min(before, n) : 0;
    s.answer_tokens = s.thinking ? std::max<int64_t>(n - before - 1, 0) : n;
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace minke
