#pragma once
// The options of every command that lets a model write.
#include <span>
#include <string>
#include <vector>

#include "infer/engine.h"

namespace CLI {
class App;
}

namespace minke {

struct SamplingFlags {
  std::string dtype = "auto", cache = "latent";
  int64_t max_tokens = 128;
  SamplerOptions sampler;
  std::vector<std::string> stop;

  CacheForm form() const { return cache == "latent" ? CacheForm::kLatent : CacheForm::kExpanded; }
  void validate() const;  // a usage error that names the option
};

// `flags` holds the defaults and must outlive the app.
void add_sampling_flags(CLI::App& command, SamplingFlags& flags);

// Positions left after a prompt. Error if there are none, or if an id is outside the model's vocabulary.
int64_t room_after(std::span<const int32_t> prompt, const ModelConfig& config);

}  // namespace minke
