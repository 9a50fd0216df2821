#pragma once
// Attention at the shapes of the models, ready to be timed by minke bench.
#include <functional>
#include <string>
#include <vector>

#include "numeric/dtype.h"

namespace minke {

struct AttentionBenchCase {
  std::string name;    // "bf16 attention training forward"
  std::string shape;   // segments x queries / keys, heads, nope+rope/v
  double flop = 0;     // of the causal half alone: what the masked half and padding cost counts against us
  double bytes = 0;    // keys and values read once
  bool memory_bound = false;
  std::function<void()> once;   // on the pool
};
std::vector<AttentionBenchCase> attention_bench_cases(DType dtype);

}  // namespace minke
