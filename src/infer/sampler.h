#pragma once
// From logits to a token. temperature, then top-k, top-p and min-p in that order, as vLLM and transformers do; ties and the draw are
// functions of the logits, the seed and the position alone.
#include <cstdint>
#include <string>
#include <vector>

namespace minke {

struct SamplerOptions {
  double temperature = 0;   // 0: greedy, the lowest id on a tie
  double top_p = 1;         // keep the smallest set of likeliest tokens whose probability reaches this
  int64_t top_k = 0;        // keep this many likeliest tokens; 0: all
  double min_p = 0;         // keep tokens at least this likely relative to the likeliest
  uint64_t seed = 0;
  // Throws UsageError naming the option that is out of range.
  void validate() const;
};

// logits [n] f32; position is the place of the new token in its sequence, `sequence` tells samples of one seed apart.
int32_t sample_token(int64_t n, const float* logits, const SamplerOptions& options, uint64_t sequence, int64_t position);

}  // namespace minke
