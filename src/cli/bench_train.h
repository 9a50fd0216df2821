#pragma once
// Real training steps of a config, and where their time goes: minke bench train.
#include <string>

namespace minke {

// Takes `steps` steps on the config's own data, after two that only warm up, and prints tokens/s and a row per kernel and shape, each
// beside the roof measured between the steps; `json`: as one object. The model is new and thrown away.
void bench_train(const std::string& config_path, int64_t steps, bool json);

}  // namespace minke
