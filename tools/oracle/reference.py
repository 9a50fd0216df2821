"""A short DeepSeek-V3 (and V2) model in plain PyTorch, written from the reports: what the C++ model is compared with.

Report sections: MLA 2.1.1, MoE and router 2.1.2, multi-token prediction 2.2; V2's softmax gate from its section 2.2.
Parameters carry the published checkpoint's names, so an HF-style folder (config.json, model*.safetensors) loads as it is.
Works in float32, float64, or float32 under bfloat16 autocast. Written for reading; fast enough for a few million parameters.
"""
import json
import math
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

DEFAULTS = dict(q_lora_rank=None, n_routed_experts=0, n_shared_experts=0, first_k_dense_replace=0, moe_intermediate_size=0,
                num_experts_per_tok=0, n_group=1, topk_group=1, topk_method="noaux_tc", scoring_func="sigmoid", norm_topk_prob=True,
                routed_scaling_factor=1.0, num_nextn_predict_layers=0, rms_norm_eps=1e-6, rope_theta=10000.0, rope_scaling=None,
                rope_interleave=True, mtp_hidden="post_norm")


def read_config(folder):
    given = json.loads((Path(folder) / "config.json").read_text())
    return SimpleNamespace(**{**DEFAULTS, **{k: v for k, v in given.items() if v is not None}})


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        wide = x.float() if x.dtype == torch.bfloat16 else x
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)).to(x.dtype) * self.weight


def yarn_m(factor, a):
    return 0.1 * a * math.log(factor) + 1 if factor > 1 else 1.0


def rope_frequencies(c):
    """Returns (frequencies [d_rope/2] in float64, factor on cos and sin, factor on the softmax scale)."""
    d = c.qk_rope_head_dim
    f = c.rope_theta ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    s = c.rope_scaling
    if not s:
        return f, 1.0, 1.0
    assert s.get("type", s.get("rope_type")) == "yarn"

    def dim(turns):  # the pair that makes `turns` turns over the original length
        return d * math.log(s["original_max_position_embeddings"] / (2 * math.pi * turns)) / (2 * math.log(c.rope_theta))

    low = max(math.floor(dim(s.get("beta_fast", 32))), 0)
    high = min(math.ceil(dim(s.get("beta_slow", 1))), d - 1)
    ramp = ((torch.arange(d // 2, dtype=torch.float64) - low) / (high - low or 0.001)).clamp(0, 1)
    all_dim = yarn_m(s["factor"], s.get("mscale_all_dim", 0))
    return f * (1 - ramp) + f / s["factor"] * ramp, yarn_m(s["factor"], s.get("mscale", 1)) / all_dim, all_dim**2


def rotate(x, cos, sin, interleave):
    """x [B, T, H, d_rope]. Pairs are (2i, 2i+1) when interleaved, else (i, i + d/2); the output is half-split in both cases,
    which no dot product can tell, as queries and keys get the same permutation."""
    a, b = (x[..., 0::2], x[..., 1::2]) if interleave else x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Mla(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, H, D = c, c.num_attention_heads, c.hidden_size
        d_qk = c.qk_nope_head_dim + c.qk_rope_head_dim
        if c.q_lora_rank:
            self.q_a_proj = nn.Linear(D, c.q_lora_rank, bias=False)
            self.q_a_layernorm = RmsNorm(c.q_lora_rank, 1e-6)  # the latent norms ignore rms_norm_eps
            self.q_b_proj = nn.Linear(c.q_lora_rank, H * d_qk, bias=False)
        else:
            self.q_proj = nn.Linear(D, H * d_qk, bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(D, c.kv_lora_rank + c.qk_rope_head_dim, bias=False)
        self.kv_a_layernorm = RmsNorm(c.kv_lora_rank, 1e-6)
        self.kv_b_proj = nn.Linear(c.kv_lora_rank, H * (c.qk_nope_head_dim + c.v_head_dim), bias=False)
        self.o_proj = nn.Linear(H * c.v_head_dim, D, bias=False)
        self.frequencies, self.rope_factor, scale_factor = rope_frequencies(c)
        self.scale = d_qk**-0.5 * scale_factor

    def forward(self, x):
        c, (B, T, _), H = self.c, x.shape, self.c.num_attention_heads
        angle = torch.arange(T, dtype=torch.float64)[:, None] * self.frequencies
        wide = torch.float64 if x.dtype == torch.float64 else torch.float32
        cos, sin = ((f(angle) * self.rope_factor).to(wide)[None, :, None] for f in (torch.cos, torch.sin))

        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))) if c.q_lora_rank else self.q_proj(x)
        q_nope, q_rope = q.view(B, T, H, -1).split([c.qk_nope_head_dim, c.qk_rope_head_dim], -1)
        c_kv, k_rope = self.kv_a_proj_with_mqa(x).split([c.kv_lora_rank, c.qk_rope_head_dim], -1)
        kv = self.kv_b_proj(self.kv_a_layernorm(c_kv)).view(B, T, H, -1)
        k_nope, v = kv.split([c.qk_nope_head_dim, c.v_head_dim], -1)

        q_rope = rotate(q_rope, cos, sin, c.rope_interleave).to(q.dtype)
        k_rope = rotate(k_rope.unsqueeze(2), cos, sin, c.rope_interleave).to(q.dtype).expand(B, T, H, -1)
        q = torch.cat([q_nope, q_rope], -1).transpose(1, 2)
        k = torch.cat([k_nope, k_rope], -1).transpose(1, 2)
        score = (q @ k.transpose(-1, -2)).to(wide) * self.scale
        later = torch.ones(T, T, dtype=torch.bool).triu(1)
        p = score.masked_fill(later, float("-inf")).softmax(-1)
        o = p.to(v.dtype) @ v.transpose(1, 2)
        return self.o_proj(o.transpose(1, 2).reshape(B, T, -1))


class SwiGlu(nn.Module):
    def __init__(self, c, inner):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, inner, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, inner, bias=False)
        self.down_proj = nn.Linear(inner, c.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Router(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.weight = nn.Parameter(torch.zeros(c.n_routed_experts, c.hidden_size))
        if c.topk_method == "noaux_tc":
            self.register_buffer("e_score_correction_bias", torch.zeros(c.n_routed_experts))

    def forward(self, u):
        """u [N, D] -> affinities s [N, E], chosen experts [N, K], their weights [N, K]."""
        c, E, K = self.c, self.c.n_routed_experts, self.c.num_experts_per_tok
        with torch.autocast("cpu", enabled=False):
            score = F.linear(u.to(self.weight.dtype), self.weight)
        s = score.sigmoid() if c.scoring_func == "sigmoid" else score.softmax(-1)
        with torch.no_grad():
            t = s + self.e_score_correction_bias if c.topk_method == "noaux_tc" else s
            self.margin = float("inf")  # smallest distance of any selection in this call to a different one
            if c.topk_method != "greedy":
                grouped = t.view(len(t), c.n_group, -1)
                group = grouped.topk(2, -1).values.sum(-1) if c.topk_method == "noaux_tc" else grouped.amax(-1)
                kept = torch.zeros_like(group).scatter_(1, self.top(group, c.topk_group), 1).bool()
                t = grouped.masked_fill(~kept.unsqueeze(-1), float("-inf")).view(-1, E)
            chosen = self.top(t, K).sort(-1).values
        g = s.gather(1, chosen)
        if c.norm_topk_prob:
            g = g / (g.sum(-1, keepdim=True) + 1e-20)
        if c.scoring_func == "sigmoid" or not c.norm_topk_prob:  # V2 either divides or scales, V3 does both
            g = g * c.routed_scaling_factor
        return s, chosen, g

    def top(self, t, k):
        order = t.sort(-1, descending=True)
        if k < t.shape[-1] and len(t):
            self.margin = min(self.margin, (order.values[:, k - 1] - order.values[:, k]).min().item())
        return order.indices[:, :k]


class Moe(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, self.gate = c, Router(c)
        self.experts = nn.ModuleList(SwiGlu(c, c.moe_intermediate_size) for _ in range(c.n_routed_experts))
        if c.n_shared_experts:
            self.shared_experts = SwiGlu(c, c.moe_intermediate_size * c.n_shared_experts)

    def forward(self, x):
        (B, T, D), E, K = x.shape, self.c.n_routed_experts, self.c.num_experts_per_tok
        u = x.reshape(-1, D)
        s, chosen, g = self.gate(u)
        self.margin = self.gate.margin
        self.chosen, self.weights = chosen.view(B, T, K), g.view(B, T, K)
        self.balance = self.sequence_loss(s.view(B, T, E))
        order = chosen.flatten().argsort(stable=True)  # the N*K rows, grouped by expert
        self.counts = torch.bincount(chosen.flatten(), minlength=E)
        rows = u[order // K].split(self.counts.tolist())
        y = torch.cat([expert(r) for expert, r in zip(self.experts, rows) if len(r)])
        y = y[order.argsort()].view(-1, K, D)
        out = (y * g.unsqueeze(-1).to(y.dtype)).sum(1).view(B, T, D)
        return out + self.shared_experts(x) if self.c.n_shared_experts else out

    def sequence_loss(self, s):
        """Equations 17-20 without alpha, mean over the batch. f counts the top-K of the unbiased affinities, group limit ignored,
        and is a constant; the gradient flows through P."""
        B, T, E = s.shape
        K = self.c.num_experts_per_tok
        chosen = self.gate.top(s.detach().reshape(-1, E), K).view(B, T, K)
        f = F.one_hot(chosen, E).sum((1, 2)) * (E / (K * T))
        return (f * (s / s.sum(-1, keepdim=True)).mean(1)).sum(-1).mean()


class Block(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        self.input_layernorm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.self_attn = Mla(c)
        self.post_attention_layernorm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.mlp = Moe(c) if c.n_routed_experts and layer >= c.first_k_dense_replace else SwiGlu(c, c.intermediate_size)

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class MtpBlock(Block):
    """One depth of section 2.2. The checkpoint's order is [embedding; hidden], the opposite of equation 21."""

    def __init__(self, c, layer):
        super().__init__(c, layer)
        self.enorm, self.hnorm = RmsNorm(c.hidden_size, c.rms_norm_eps), RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.eh_proj = nn.Linear(2 * c.hidden_size, c.hidden_size, bias=False)
        self.shared_head = nn.Module()
        self.shared_head.norm = RmsNorm(c.hidden_size, c.rms_norm_eps)

    def forward(self, h, e):
        return super().forward(self.eh_proj(torch.cat([self.enorm(e), self.hnorm(h)], -1)))


class DeepSeek(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, n = c, c.num_hidden_layers
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.model.layers = nn.ModuleList([Block(c, i) for i in range(n)] + [MtpBlock(c, n + k) for k in range(c.num_nextn_predict_layers)])
        self.model.norm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.lm_head = nn.Linear(c.hidden_size, c.vocab_size, bias=False)

    def forward(self, ids, mtp=True):
        """ids [B, T] -> logits [B, T, V] and, for depth k = 1.., logits [B, T-k, V] whose row i predicts token i+k+1.
        self.hidden holds the residual stream after each layer, MTP layers included. Depth 1 is fed the main model's last state,
        depth k > 1 that of depth k-1, each after its final norm, or before it where mtp_hidden says pre_norm."""
        n, layers, e = self.c.num_hidden_layers, self.model.layers, self.model.embed_tokens(ids)
        post_norm = self.c.mtp_hidden == "post_norm"
        x, self.hidden = e, []
        for layer in layers[:n]:
            x = layer(x)
            self.hidden.append(x)
        normed = self.model.norm(x)
        logits, h, mtp_logits = self.lm_head(normed), normed if post_norm else x, []
        for k, layer in enumerate(layers[n:] if mtp else [], 1):
            if ids.shape[1] <= k:
                break
            x = layer(h[:, :-1], e[:, k:])
            self.hidden.append(x)
            normed = layer.shared_head.norm(x)
            mtp_logits.append(self.lm_head(normed))
            h = normed if post_norm else x
        return logits, mtp_logits

    def moe_layers(self):
        return {i: layer.mlp for i, layer in enumerate(self.model.layers) if isinstance(layer.mlp, Moe)}


def losses(model, tokens):
    """tokens [B, L+1]: L inputs and L targets a sequence. Returns the mean cross-entropy of the main head, one MTP loss a depth
    (eq. 24: its L-k terms a sequence are divided by the number of main targets), and the sequence-wise balance loss summed over
    all MoE layers, MTP's included, without alpha."""
    logits, mtp_logits = model(tokens[:, :-1])
    count = tokens[:, 1:].numel()

    def nll(z, target):
        z = z if z.dtype == torch.float64 else z.float()
        return F.cross_entropy(z.flatten(0, 1), target.flatten(), reduction="sum") / count

    moe = model.moe_layers().values()
    return (nll(logits, tokens[:, 1:]), [nll(z, tokens[:, k + 1 :]) for k, z in enumerate(mtp_logits, 1)],
            sum((m.balance for m in moe), torch.zeros(())))


def total_loss(model, tokens, mtp_weight, alpha):
    main, mtp, balance = losses(model, tokens)
    return main + (mtp_weight / len(mtp) * sum(mtp) if mtp else 0) + alpha * balance, (main, mtp, balance)


def load(folder, dtype=torch.float32, extra=()):
    """Reads an HF-style folder (model*.safetensors); `extra` are safetensors files whose tensors replace the folder's. The MTP
    layers' copies of the embedding and of the head are dropped: both are the main model's."""
    model = DeepSeek(read_config(folder)).to(dtype)
    state = {}
    for file in [*sorted(Path(folder).glob("model*.safetensors")), *extra]:
        state.update(load_file(file))
    copies = (".shared_head.head.weight", ".embed_tokens.weight")
    state = {k: v.to(dtype) for k, v in state.items() if not (k.startswith("model.layers.") and k.endswith(copies))}
    model.load_state_dict(state)
    return model
