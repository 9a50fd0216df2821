#pragma once
// How many of its own drafts a model would take: an MTP module predicts the token after the next (DeepSeek-V3 report section 5.4.3), and
// in speculative decoding the draft stands where the main model's greedy token is the same.
#include <functional>
#include <span>

#include "data/tokenizer/tokenizer.h"
#include "model/transformer.h"
#include "reason/tasks/task.h"

namespace minke {

struct MtpAcceptance {
  int64_t drafts = 0, accepted = 0;
  double share() const { return drafts ? double(accepted) / double(drafts) : 0; }
};

// The problems answered greedily, thinking, at most max_tokens of a completion. From each completion's second token on: the first MTP
// module's argmax against the token. Error where the model has no MTP module. `stop` (may be empty) ends early.
MtpAcceptance mtp_acceptance(Transformer& model, const Tokenizer& tokenizer, std::span<const Problem> problems, int64_t max_tokens,
                             const std::function<bool()>& stop = {});

}  // namespace minke
