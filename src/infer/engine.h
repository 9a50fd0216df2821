#pragma once
// Token ids in, token ids out: sequences that grow side by side over one model, each with a cache of its past. The engine knows
// nothing of text. Reads the weights it is given, also while they are being trained (between steps).
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "infer/sampler.h"
#include "model/transformer.h"

namespace minke {

struct GenerateRequest {
  std::vector<int32_t> prompt;         // at least one id
  int64_t max_tokens = 128;
  SamplerOptions sampler;
  std::vector<int64_t> eos;            // ids that end the answer; they are part of it
  uint64_t sequence = 0;               // tells samples of one seed apart
  bool record = false;                 // log-probabilities and experts come back
};

enum class FinishReason : uint8_t { kStop, kLength, kCancelled };
const char* finish_reason_name(FinishReason reason);  // "stop", "length", "cancelled"

struct Generation {
  std::vector<int32_t> ids;            // without the prompt
  std::vector<uint8_t> forced;         // [ids] 1: the logits hook named this id
  FinishReason finish = FinishReason::kLength;
  // Of recorded requests. With the expanded cache both are, bit for bit, those of the training forward.
  std::vector<float> logp;             // [ids] log softmax(raw logits / T)[id], before hook, top-k, top-p (T = 1 when greedy)
  std::vector<uint16_t> experts;       // [prompt + ids - 1][MoE layers][K] chosen by each row; the last id is never a row
};

// Called for every new token; false cancels that request (a stop string was seen: the caller then says so).
using TokenHook = std::function<bool(size_t request, int32_t id)>;

// Called before a token is drawn, with the ids so far (the first prompt_size are the prompt) and the logits [V] of the next one, which
// it may change in place. Returns the id to take instead of a draw, or kNoForce.
inline constexpr int32_t kNoForce = -1;
using LogitsHook = std::function<int32_t(size_t request, std::span<const int32_t> ids, size_t prompt_size, float* logits)>;

class Engine {
 public:
  // The latent cache needs a model without gradients (its absorbed weights are made at load).
  Engine(Transformer& model, CacheForm form);

  // Runs all requests, every step one forward over the new rows of all that are still going. Prompts enter in chunks of
  // prefill_chunk rows. Hooks may be empty. Stops early, all cancelled, when `stop` (may be empty) returns true.
  std::vector<Generation> generate(const std::vector<GenerateRequest>& requests, const TokenHook& hook, const std::function<bool()>& stop,
                                   const LogitsHook& logits_hook = {});

  int64_t prefill_chunk = 512;
  int64_t cache_bytes() const { return cache_bytes_; }  // held at the last call's end

 private:
  struct Sequence;
  void grow(Sequence& s, int64_t positions);

  Transformer& model_;
  CacheForm form_;
  int64_t cache_bytes_ = 0;
  Arena arena_;
};

}  // namespace minke
