#pragma once
// What a token costs, from the config alone. 2 FLOPs per weight that a token meets, causal attention at the mean
// context; training is three forwards.
#include "model/config.h"

namespace minke {

double forward_flops_per_token(const ModelConfig& config, int64_t sequence_length, bool with_mtp);
double train_flops_per_token(const ModelConfig& config, int64_t sequence_length, bool with_mtp);

}  // namespace minke
