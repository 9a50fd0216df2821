#pragma once
// The limits of an answer that thinks first, one rule for rollouts and evaluations. Ids only.
//   thought ... </think> answer ... EOS
//   at most think_cap    at most answer_cap
// At the first cap </think> is forced, at the second EOS.
#include <cstdint>
#include <limits>
#include <span>

#include "infer/engine.h"

namespace minke {

inline constexpr int64_t kNoCap = std::numeric_limits<int64_t>::max();

struct ThoughtLimits {
  int32_t end_of_thinking = -1;  // the id of </think>
  int32_t eos = -1;              // the one that is forced
  int64_t think_cap = kNoCap, answer_cap = kNoCap;
};

// Where one sequence stands between its limits. The engine asks for its tokens one after another.
class ThoughtLimiter {
 public:
  // `thinking`: the prompt leaves the thought open; else it ended with </think>.
  ThoughtLimiter(const ThoughtLimits& limits, bool thinking) : limits_(limits), closed_(!thinking) {}

  // For a LogitsHook: the id to take next, or kNoForce. ids: prompt, then what was generated.
  int32_t force(std::span<const int32_t> ids, size_t prompt_size);

  bool thinking() const { return !closed_; }  // as force() saw it last
  bool cut() const { return cut_; }      // </think> was forced
  bool ended() const { return ended_; }  // EOS was

 private:
  ThoughtLimits limits_;
  bool closed_, cut_ = false, ended_ = false;
  int64_t closed_at_ = 0;                // completion tokens up to and with </think>
};

struct ThoughtTokens {
  int64_t think = 0, answer = 0;         // </think> and EOS counted in neither
};
// `stopped`: the completion's last id is EOS.
ThoughtTokens count_thought(std::span<const int32_t> completion, bool thinking, int32_t end_of_thinking, bool stopped);

}  // namespace minke
