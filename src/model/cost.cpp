#include "model/cost.h"

#include "model/parameters.h"

namespace minke {
namespace {

// Weights of one layer that a token is multiplied with.
double active_weights(const ModelConfig& c, int64_t layer) {
  const double d = double(c.hidden_size), h = double(c.num_attention_heads);
  double n = d * double(c.kv_lora_rank + c.qk_rope_head_dim) + double(c.kv_lora_rank) * h * double(c.qk_nope_head_dim + c.v_head_dim) +
             h * double(c.v_head_dim) * d;
  n += c.q_lora_rank ? double(c.q_lora_rank) * (d + h * double(c.qk_head_dim())) : d * h * double(c.qk_head_dim());
  if (c.is_moe_layer(layer))
    n += d * double(c.n_routed_experts) + 3 * d * double(c.moe_intermediate_size) * double(c.num_experts_per_tok + c.n_shared_experts);
  else
    n += 3 * d * double(c.intermediate_size);
  return n;
}

}  // namespace

double forward_flops_per_token(const ModelConfig& c, int64_t sequence_length, bool with_mtp) {
  const double d = double(c.hidden_size), head = d * double(c.vocab_size);
  const double attention = 2 * double(c.num_attention_heads) * double(c.qk_head_dim() + c.v_head_dim) * double(sequence_length + 1) / 2;
  double flops = 2 * head;
  for (int64_t l = 0; l < c.num_hidden_layers; ++l) flops += 2 * active_weights(c, l) + attention;
  for (int64_t k = 0; with_mtp && k < c.num_nextn_predict_layers; ++k)
    flops += 2 * (active_weights(c, c.num_hidden_layers + k) + 2 * d * d + head) + attention;
  return flops;
}

double train_flops_per_token(const ModelConfig& c, int64_t sequence_length, bool with_mtp) {
  return 3 * forward_flops_per_token(c, sequence_length, with_mtp);
}

}  // namespace minke
