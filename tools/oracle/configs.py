"""The tiny models of the oracle: between them they exercise every option of the architecture. All sizes are odd on purpose
somewhere: a head's value width differs from its key width, the vocabulary is not a multiple of anything, six experts."""
import torch

V3 = dict(architectures=["DeepseekV3ForCausalLM"], model_type="deepseek_v3", vocab_size=96, hidden_size=32, intermediate_size=56,
          moe_intermediate_size=12, num_hidden_layers=2, num_nextn_predict_layers=0, num_attention_heads=2, num_key_value_heads=2,
          n_shared_experts=1, n_routed_experts=8, routed_scaling_factor=2.5, kv_lora_rank=16, q_lora_rank=24, qk_rope_head_dim=8,
          v_head_dim=12, qk_nope_head_dim=16, n_group=4, topk_group=2, num_experts_per_tok=3, moe_layer_freq=1,
          first_k_dense_replace=1, norm_topk_prob=True, scoring_func="sigmoid", topk_method="noaux_tc", hidden_act="silu",
          max_position_embeddings=512, initializer_range=0.02, rms_norm_eps=1e-6, rope_theta=10000.0, rope_scaling=None,
          attention_bias=False, attention_dropout=0.0, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1,
          torch_dtype="bfloat16")
V2 = dict(V3, architectures=["DeepseekV2ForCausalLM"], model_type="deepseek_v2", scoring_func="softmax", norm_topk_prob=False)
V2.pop("num_nextn_predict_layers")


def yarn(factor, original, mscale, all_dim, beta_fast=32, beta_slow=1):
    return dict(type="yarn", factor=factor, original_max_position_embeddings=original, beta_fast=beta_fast, beta_slow=beta_slow,
                mscale=mscale, mscale_all_dim=all_dim)


CONFIGS = {
    # DeepSeek-V3 in small: everything on, 48 tokens over a YaRN original length of 32
    "v3": dict(V3, num_hidden_layers=3, num_nextn_predict_layers=1, rope_scaling=yarn(8, 32, 1.0, 1.0)),
    # Moonlight's shape: no query latent, one group, two shared experts; an rms_norm_eps that the latent norms must ignore
    "v3-no-q-lora": dict(V3, q_lora_rank=None, n_group=1, topk_group=1, n_shared_experts=2, routed_scaling_factor=2.446,
                         rope_theta=50000.0, rms_norm_eps=1e-3),
    # odd sizes, no dense layer, weights not normalised, two MTP depths
    "v3-odd": dict(V3, vocab_size=97, hidden_size=36, num_attention_heads=3, num_key_value_heads=3, num_hidden_layers=1,
                   num_nextn_predict_layers=2, moe_intermediate_size=20, first_k_dense_replace=0, n_routed_experts=6, n_group=2,
                   topk_group=1, num_experts_per_tok=2, q_lora_rank=11, kv_lora_rank=13, qk_nope_head_dim=14, qk_rope_head_dim=6,
                   v_head_dim=10, norm_topk_prob=False, routed_scaling_factor=1.7),
    # half-split rotary rows; YaRN with a factor on cos and sin, a ramp inside the frequencies, 48 tokens over 16
    "v3-half-split": dict(V3, n_group=2, topk_group=1, qk_rope_head_dim=16, rope_interleave=False, rope_theta=100.0,
                          rope_scaling=yarn(4, 16, 1.0, 0.5, beta_fast=0.5, beta_slow=0.1)),
    # no shared expert, four of six experts, no dense layer
    "v3-no-shared": dict(V3, vocab_size=101, hidden_size=40, num_attention_heads=4, num_key_value_heads=4, n_shared_experts=0,
                         n_routed_experts=6, n_group=1, topk_group=1, num_experts_per_tok=4, first_k_dense_replace=0,
                         q_lora_rank=None, rope_scaling=yarn(2, 32, 1.0, 1.0)),
    # no expert at all
    "v3-dense": dict(V3, hidden_size=40, num_attention_heads=5, num_key_value_heads=5, first_k_dense_replace=2),
    # two MTP depths behind a dense layer and groups
    "v3-mtp2": dict(V3, num_nextn_predict_layers=2, n_routed_experts=6, n_group=3, num_experts_per_tok=2, v_head_dim=20),
    # MTP modules fed before the norms instead of after them
    "v3-pre-norm": dict(V3, num_hidden_layers=1, num_nextn_predict_layers=2, first_k_dense_replace=0, n_routed_experts=4, n_group=1,
                        topk_group=1, num_experts_per_tok=2, mtp_hidden="pre_norm"),
    # V2-Lite's gate: softmax, greedy, not normalised
    "v2-lite": dict(V2, q_lora_rank=None, topk_method="greedy", n_group=1, topk_group=1, n_shared_experts=2,
                    routed_scaling_factor=1.0, rope_scaling=yarn(40, 32, 0.707, 0.707)),
    # V2's gate: groups by their best expert
    "v2": dict(V2, topk_method="group_limited_greedy", routed_scaling_factor=4.0, n_shared_experts=2,
               rope_scaling=yarn(40, 32, 0.707, 0.707)),
    # softmax with normalised weights: then the scaling factor is not applied
    "v2-normalised": dict(V2, vocab_size=99, topk_method="greedy", n_group=1, topk_group=1, norm_topk_prob=True,
                          routed_scaling_factor=3.0),
}


def random_weights(model, seed):
    """Fills a reference model with bfloat16-exact values: unit variance through every product, norms around 1, biases of both signs."""
    g = torch.Generator().manual_seed(seed)

    def normal(shape, std, mean=0.0):
        return (torch.randn(shape, generator=g, dtype=torch.float64) * std + mean).to(torch.bfloat16)

    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1:
                p.copy_(normal(p.shape, 0.2, 1.0))
            elif name == "model.embed_tokens.weight":
                p.copy_(normal(p.shape, 1.0))
            else:
                p.copy_(normal(p.shape, p.shape[1] ** -0.5))
        for name, b in model.named_buffers():
            b.copy_(normal(b.shape, 0.1))


def published_state(model):
    """The model's tensors as a checkpoint stores them: BF16, the router's bias F32, the MTP layers' copies of embedding and head."""
    state = {k: v.to(torch.float32 if k.endswith("e_score_correction_bias") else torch.bfloat16) for k, v in model.state_dict().items()}
    n = model.c.num_hidden_layers
    for k in range(model.c.num_nextn_predict_layers):
        state[f"model.layers.{n + k}.embed_tokens.weight"] = state["model.embed_tokens.weight"].clone()
        state[f"model.layers.{n + k}.shared_head.head.weight"] = state["lm_head.weight"].clone()
    return state
