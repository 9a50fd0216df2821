#include "rl/rollout.h"

#include <algorithm>

#include "base/error.h"
#include "base/rng.h"
#include "infer/thought.h"

namespace minke {
namespace {

constexpr uint64_t kCapStream = 0x7468696e6b636170;  // "thinkcap"

}  // namespace

int64_t think_cap(const RolloutLimits& limits, uint64_t seed, uint64_t problem) {
  return Rng(seed, kCapStream, problem).range(limits.think_min, limits.think_max);
}

std::vector<RolloutSample> roll_out(Engine& engine, std::span<const RolloutPrompt> prompts, const RolloutRequest& r, const std::function<bool()>& stop) {
  MINKE_CHECK(!r.eos.empty() && r.end_of_thinking >= 0 && r.samples >= 1);
  std::vector<GenerateRequest> requests;
  std::vector<ThoughtLimiter> limiters;
  for (const RolloutPrompt& p : prompts) {
    const int64_t room = r.positions - int64_t(p.ids.size());
    if (room < 1) fail("problem {}: its prompt has {} tokens, the model {} positions; leave long problems out", p.problem, p.ids.size(), r.positions);
    const ThoughtLimiter limiter({r.end_of_thinking, int32_t(r.eos.front()), p.think_cap, r.limits.answer_tokens}, p.think_cap > 0);
    for (int64_t i = 0; i < r.samples; ++i) {
      GenerateRequest g;
      g.prompt = p.ids;
      g.max_tokens = std::min(p.think_cap + 1 + r.limits.answer_tokens + 1, room);
      g.sampler = r.sampler;
      g.eos = r.eos;
      g.sequence = p.problem * uint64_t(r.samples) + uint64_t(i);
      g.record = true;
      g.record_experts = r.record_experts;
      requests.push_back(std::move(g));
      limiters.push_back(limiter);
    }
  }
  bool stopped = false;
  std::vector<Generation> generated = engine.generate(
      requests, {}, [&] { return stopped = stopped || (stop && stop()); },
      [&](size_t i, std::span<const int32_t> ids, size_t prompt, float*) { return limiters[i].force(ids, prompt); });
  if (stopped) return {};

  std::vector<RolloutSample> out;
  for (size_t i = 0; i < generated.size(); ++i) {
    Generation& g = generated[i];
    RolloutSample s;
    s.prompt = i / size_t(r.samples);
    s.policy.ids = requests[i].prompt;
    s.policy.prompt = int64_t(s.policy.ids.size());
    s.policy.ids.insert(s.policy.ids.end(), g.ids.begin(), g.ids.end());
    s.policy.old_logp = g.logp;
    s.policy.forced = g.forced;
    s.policy.experts = std::move(g.experts);
    s.thinking = prompts[s.prompt].think_cap > 0;
    s.thinking_cut = limiters[i].cut();
    s.truncated = limiters[i].ended() || g.finish != FinishReason::kStop;
    const ThoughtTokens tokens = count_thought(g.ids, s.thinking, r.end_of_thinking, g.finish == FinishReason::kStop);
    s.think_tokens = tokens.think;
    s.answer_tokens = tokens.answer;
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace minke
