#include "cli/sampling_flags.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/model_path.h"

namespace minke {

void SamplingFlags::validate() const {
  sampler.validate();
  if (max_tokens < 1) usage_fail("--max-tokens {}: expected at least 1", max_tokens);
  for (const std::string& s : stop)
    if (s.empty()) usage_fail("--stop: expected a text, found an empty one");
}

void add_sampling_flags(CLI::App& c, SamplingFlags& f) {
  c.add_option("-n,--max-tokens", f.max_tokens, "stop after this many tokens")->capture_default_str();
  c.add_option("-t,--temperature", f.sampler.temperature, "0 takes the likeliest token")->capture_default_str();
  c.add_option("--top-p", f.sampler.top_p, "keep the likeliest tokens that reach this probability")->capture_default_str();
  c.add_option("--top-k", f.sampler.top_k, "keep this many tokens; 0 keeps all")->capture_default_str();
  c.add_option("--min-p", f.sampler.min_p, "keep tokens this likely relative to the likeliest")->capture_default_str();
  c.add_option("--seed", f.sampler.seed, "the same seed gives the same text")->capture_default_str();
  c.add_option("--stop", f.stop, "end before this text; may be given several times")->take_all();
  c.add_option("--cache", f.cache, "what is kept of the past: latent (small) or expanded (the training forward, bit for bit)")
      ->check(CLI::IsMember({"latent", "expanded"}))
      ->capture_default_str();
  c.add_option("--dtype", f.dtype, kDtypeHelp)->check(CLI::IsMember(dtype_names()))->capture_default_str();
}

int64_t room_after(std::span<const int32_t> prompt, const ModelConfig& config) {
  for (const int32_t id : prompt)
    if (id >= config.vocab_size) fail("token {} of the prompt is outside the model's vocabulary of {}; is this the model's own tokenizer?", id, config.vocab_size);
  const int64_t room = config.max_position_embeddings - int64_t(prompt.size());
  if (room < 1) fail("the prompt has {} tokens, the model {} positions", prompt.size(), config.max_position_embeddings);
  return room;
}

}  // namespace minke
