#pragma once
// The engine decoding many streams of a model with random weights, for minke bench.
#include <cstdint>
#include <memory>
#include <string>

#include "infer/engine.h"

namespace minke {

struct DecodeBench {
  std::string shape;          // "64 x (32 + 128)": streams, prompt, answer
  double tokens = 0, flop = 0;  // of the decoding steps
  // Runs the streams to their ends once more and returns the seconds of the decoding steps: of each the best so far.
  std::function<double()> run;
};

// config: a .toml, .json or model folder. Every stream has a prompt of its own; tokens are drawn at T = 1 and recorded, as rollouts are.
DecodeBench decode_bench(const std::string& config, DType dtype, CacheForm form, int64_t streams, int64_t prompt, int64_t answer);

}  // namespace minke
