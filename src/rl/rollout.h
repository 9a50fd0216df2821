#pragma once
// Samples of the policy: prompts through the engine over the very weights being trained, thinking capped at random, answers bounded.
// Ids only; what a sample is worth is reward.h.
//
//   prompt ... <think>  thought ...  </think>  answer ...  EOS
//                       at most think_cap      at most answer_tokens
// At the cap </think> is forced, after answer_tokens EOS: forced tokens are marked and stay out of the loss. A sample whose EOS was
// forced, or that has no room left, is truncated.
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "infer/engine.h"
#include "rl/policy_step.h"

namespace minke {

struct RolloutLimits {
  int64_t think_min = 16, think_max = 160;   // a prompt's cap is drawn evenly between them; equal: no chance
  int64_t answer_tokens = 32;
  int64_t max_completion() const { return think_max + 1 + answer_tokens + 1; }
};

// The cap of the problem with this number in its run.
int64_t think_cap(const RolloutLimits& limits, uint64_t seed, uint64_t problem);

struct RolloutPrompt {
  std::vector<int32_t> ids;
  uint64_t problem = 0;      // its number in the run: samples are drawn from (seed, problem, sample, position)
  int64_t think_cap = 0;     // 0: thinking is off, the prompt itself ends with </think>
};

struct RolloutSample {
  PolicySample policy;       // advantage not set; experts only where the request says so
  size_t prompt = 0;         // index among the prompts
  int64_t think_tokens = 0, answer_tokens = 0;  // </think> and EOS not counted
  bool thinking = true;      // the prompt left the thought open
  bool thinking_cut = false; // </think> was forced
  bool truncated = false;
  std::span<const int32_t> completion() const { return std::span(policy.ids).subspan(size_t(policy.prompt)); }
  const char* exit() const { return truncated ? "truncated" : thinking_cut ? "cap" : "own"; }
};

struct RolloutRequest {
  int64_t samples = 16;              // of each prompt
  RolloutLimits limits;
  SamplerOptions sampler;
  int32_t end_of_thinking = -1;      // the id of </think>
  std::vector<int64_t> eos;          // the first is the one that is forced
  int64_t positions = 0;             // of the model; a prompt must leave room for a token
  bool record_experts = false;       // for an update that replays them
};

// prompts.size() * samples samples, those of a prompt side by side. Empty when `stop` (may be empty) ended it early.
std::vector<RolloutSample> roll_out(Engine& engine, std::span<const RolloutPrompt> prompts, const RolloutRequest& request,
                                    const std::function<bool()>& stop);

}  // namespace minke
