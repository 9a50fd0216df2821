#pragma once
// Token ids in, token ids out: sequences that grow side by side over one model, each with a cache of its past. The engine knows
// nothing of text. Reads the weights it is given, also while they are being trained (between steps).
#include <functional>
#include <memory>
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
};

enum class FinishReason : uint8_t { kStop, kLength, kCancelled };
const char* finish_reason_name(FinishReason reason);  // "stop", "length", "cancelled"

struct Generation {
  std::vector<int32_t> ids;            // without the prompt
  FinishReason finish = FinishReason::kLength;
};

// Called for every new token; false cancels that request (a stop string was seen: the caller then says so).
using TokenHook = std::function<bool(size_t request, int32_t id)>;

class Engine {
 public:
  // The latent cache needs a model without gradients (its absorbed weights are made at load).
  Engine(Transformer& model, CacheForm form);

  // Runs all requests, every step one forward over the new rows of all that are still going. Prompts enter in chunks of
  // prefill_chunk rows. hook may be empty. Stops early, all cancelled, when `stop` (may be empty) returns true.
  std::vector<Generation> generate(const std::vector<GenerateRequest>& requests, const TokenHook& hook, const std::function<bool()>& stop);

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
