#!/usr/bin/env python3
"""The peer of the GRPO speed target: one step (rollout and update) of `tiny`'s architecture in compact PyTorch with a KV cache.

A rollout draws prompts x samples sequences side by side at T = 1, all of the same length (the best case for a batch: nothing waits for
the longest); the prompts are run once and their cache is repeated. The update is one forward and backward over every sequence, the
mean-only advantage over a constant denominator, clipping and fused AdamW. The cache holds expanded keys and values. Quote the better of
--dtype bf16 (autocast) and fp32. One line of JSON: tokens drawn per second of rollout, rows per second of update, tokens drawn per second of whole steps.
  OMP_NUM_THREADS=2 tools/full/grpo_peer.py [--prompt 32] [--new 64] [--steps 3]
"""
import argparse
import json
import math
import os
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

HIDDEN, LAYERS, HEADS, Q_RANK, KV_RANK, NOPE, ROPE, V = 128, 5, 4, 64, 64, 32, 16, 32
DENSE, EXPERTS, TOP_K, EXPERT, VOCAB, SCALING = 384, 16, 2, 128, 4096, 2.5


def linear(n_in, n_out):
    return nn.Linear(n_in, n_out, bias=False)


def norm(n):
    return nn.RMSNorm(n, eps=1e-6)


class Cache:
    """Keys and values of one layer, [B, H, positions, d]; `n` are filled."""

    def __init__(self, batch, positions, dtype):
        self.k = torch.empty(batch, HEADS, positions, NOPE + ROPE, dtype=dtype)
        self.v = torch.empty(batch, HEADS, positions, V, dtype=dtype)
        self.n = 0

    def repeat(self, times, positions):
        out = Cache(self.k.shape[0] * times, positions, self.k.dtype)
        out.k[:, :, : self.n] = self.k[:, :, : self.n].repeat_interleave(times, 0)
        out.v[:, :, : self.n] = self.v[:, :, : self.n].repeat_interleave(times, 0)
        out.n = self.n
        return out

    def add(self, k, v):
        t = k.shape[2]
        self.k[:, :, self.n : self.n + t] = k
        self.v[:, :, self.n : self.n + t] = v
        self.n += t
        return self.k[:, :, : self.n], self.v[:, :, : self.n]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = linear(HIDDEN, Q_RANK + KV_RANK + ROPE)
        self.q_norm, self.kv_norm = norm(Q_RANK), norm(KV_RANK)
        self.q_up, self.kv_up = linear(Q_RANK, HEADS * (NOPE + ROPE)), linear(KV_RANK, HEADS * (NOPE + V))
        self.out = linear(HEADS * V, HIDDEN)

    def forward(self, x, angles, cache):
        b, t, _ = x.shape
        q, kv, k_rope = self.down(x).split([Q_RANK, KV_RANK, ROPE], -1)
        q = self.q_up(self.q_norm(q)).view(b, t, HEADS, -1).transpose(1, 2)
        k_nope, v = self.kv_up(self.kv_norm(kv)).view(b, t, HEADS, -1).transpose(1, 2).split([NOPE, V], -1)
        cos, sin = angles

        def rotate(y):
            a, c = y.chunk(2, -1)
            return torch.cat([a * cos - c * sin, c * cos + a * sin], -1).to(y.dtype)

        q = torch.cat([q[..., :NOPE], rotate(q[..., NOPE:])], -1)
        k = torch.cat([k_nope, rotate(k_rope[:, None]).expand(b, HEADS, t, ROPE)], -1)
        if cache is not None:
            k, v = cache.add(k, v)
        o = F.scaled_dot_product_attention(q, k, v.to(q.dtype), is_causal=t > 1)
        return self.out(o.transpose(1, 2).reshape(b, t, -1))


def swiglu(x):
    gate, up = x.chunk(2, -1)
    return F.silu(gate) * up


class Mlp(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.gate_up, self.down = linear(HIDDEN, 2 * inner), linear(inner, HIDDEN)

    def forward(self, x):
        return self.down(swiglu(self.gate_up(x)))


class Moe(nn.Module):
    def __init__(self):
        super().__init__()
        self.router = linear(HIDDEN, EXPERTS)
        self.gate_up = nn.Parameter(torch.randn(EXPERTS, 2 * EXPERT, HIDDEN) * 0.02)
        self.down = nn.Parameter(torch.randn(EXPERTS, HIDDEN, EXPERT) * 0.02)
        self.shared = Mlp(EXPERT)

    def forward(self, x):
        b, t, h = x.shape
        rows = x.reshape(-1, h)
        with torch.autocast("cpu", enabled=False):
            scores = torch.sigmoid(F.linear(rows.float(), self.router.weight))
        weights, chosen = scores.topk(TOP_K, -1)
        weights = weights / weights.sum(-1, keepdim=True) * SCALING
        order = chosen.flatten().argsort(stable=True)
        counts = torch.bincount(chosen.flatten(), minlength=EXPERTS).tolist()
        out = []
        for e, part in enumerate(rows[order // TOP_K].split(counts)):
            if part.shape[0]:
                out.append(F.linear(swiglu(F.linear(part, self.gate_up[e])), self.down[e]))
        y = torch.cat(out)
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(order.numel())
        y = (y[inverse].view(-1, TOP_K, h) * weights.to(y.dtype)[..., None]).sum(1)
        return y.view(b, t, h) + self.shared(x)


class Block(nn.Module):
    def __init__(self, dense):
        super().__init__()
        self.n1, self.n2, self.attention = norm(HIDDEN), norm(HIDDEN), Attention()
        self.ffn = Mlp(DENSE) if dense else Moe()

    def forward(self, x, angles, cache):
        x = x + self.attention(self.n1(x), angles, cache)
        return x + self.ffn(self.n2(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, HIDDEN)
        self.blocks = nn.ModuleList([Block(i == 0) for i in range(LAYERS)])
        self.norm, self.head = norm(HIDDEN), linear(HIDDEN, VOCAB)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, first=0, caches=None):
        t = torch.arange(first, first + ids.shape[1]).float()[:, None] / 10000 ** (torch.arange(0, ROPE, 2).float() / ROPE)
        x = self.embed(ids)
        for i, block in enumerate(self.blocks):
            x = block(x, (t.cos(), t.sin()), caches[i] if caches else None)
        return self.norm(x)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--prompts", type=int, default=16)
    p.add_argument("--samples", type=int, default=16)
    p.add_argument("--prompt", type=int, default=32, help="tokens of a prompt")
    p.add_argument("--new", type=int, default=64, help="tokens drawn per sample")
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--rows", type=int, default=64, help="sequences per pass of the update")
    p.add_argument("--dtype", choices=["bf16", "fp32"], default="bf16")
    a = p.parse_args()
    cache_dtype = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    n, total = a.prompts * a.samples, a.prompt + a.new

    def rollout():
        ids = torch.empty(n, total, dtype=torch.long)
        prompts = torch.randint(0, VOCAB, (a.prompts, a.prompt))
        ids[:, : a.prompt] = prompts.repeat_interleave(a.samples, 0)
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bf16"):
            caches = [Cache(a.prompts, a.prompt, cache_dtype) for _ in range(LAYERS)]
            x = model(prompts, 0, caches)[:, -1].repeat_interleave(a.samples, 0)
            caches = [c.repeat(a.samples, total) for c in caches]
            for i in range(a.new):
                drawn = torch.multinomial(torch.softmax(model.head(x).float(), -1), 1)
                ids[:, a.prompt + i] = drawn[:, 0]
                if i + 1 < a.new:
                    x = model(drawn, a.prompt + i, caches)[:, -1]
        return ids.clone()

    def update(ids):
        rewards = (ids[:, -1] % 2).float().view(a.prompts, a.samples)
        advantage = (rewards - rewards.mean(1, keepdim=True)).view(-1)
        for begin in range(0, n, a.rows):
            part, adv = ids[begin : begin + a.rows], advantage[begin : begin + a.rows]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bf16"):
                logits = model.head(model(part[:, :-1])[:, a.prompt - 1 :])
            logp = -F.cross_entropy(logits.float().transpose(1, 2), part[:, a.prompt :], reduction="none")
            ratio = (logp - logp.detach()).exp()
            (-(ratio * adv[:, None]).sum() / (n * a.new)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    drawing, updating = [], []
    for step in range(a.steps + 1):
        t0 = time.perf_counter()
        ids = rollout()
        t1 = time.perf_counter()
        update(ids)
        t2 = time.perf_counter()
        if step:  # the first one warms up
            drawing.append(t1 - t0)
            updating.append(t2 - t1)
    d, u, drawn = statistics.median(drawing), statistics.median(updating), n * a.new
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "dtype": a.dtype, "sequences": n, "prompt": a.prompt, "new": a.new,
                      "parameters": sum(q.numel() for q in model.parameters()), "rollout_s": round(d, 3), "update_s": round(u, 3),
                      "rollout_tok_s": round(drawn / d), "update_rows_s": round(n * (total - 1) / u), "step_tok_s": round(drawn / (d + u))}))


if __name__ == "__main__":
    main()
