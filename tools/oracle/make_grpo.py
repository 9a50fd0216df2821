#!/usr/bin/env python3
"""Records a GRPO update of a tiny model in PyTorch: tests/data/oracle/grpo/{rollouts.json, grads.safetensors}.

usage: make_grpo.py [--out tests/data/oracle]      (make_forward.py writes the model, v3-half-split)

rollouts.json: `groups` of samples (prompt, ids, forced, old_logp, ref_logp, reward, truncated) and, for each preset, its settings and
what they give: advantages, loss, tokens clipped, the extreme ratios and the mean KL. grads.safetensors: PRESET/NAME, the gradient of the
loss with respect to each parameter, computed in float64 and stored in float32. The old and the reference policy are the model
with noise on its weights, so that ratios leave the clip range on both sides. No ratio lies within 1e-3 of a border and no choice of experts
within 1e-4 of another one.

The loss is written with torch's own min, clamp and std, from the papers; the C++ uses a closed form of its derivative.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from make_forward import MARGIN, margin
from reference import load

MODEL, MAX_TOKENS = "v3-half-split", 20
PRESETS = {
    "r1": dict(kl="k3", beta=0.001, clip_low=10, clip_high=10, normalise="sequence", std=True),
    "drgrpo": dict(kl="none", beta=0, clip_low=0, clip_high=0, normalise="constant", std=False),
    "dapo": dict(kl="none", beta=0, clip_low=0.2, clip_high=0.28, normalise="token", std=True, overlong_tokens=6),
    # off the beaten track: the other estimators with a weight that matters, the dual clip
    "k1": dict(kl="k1", beta=0.3, clip_low=0.3, clip_high=0.3, clip_dual=1.5, normalise="token", std=False),
    "k2": dict(kl="k2", beta=0.3, clip_low=0, clip_high=0.4, normalise="constant", std=True),
}
REWARDS = [[1, 0, -0.25, 1], [-0.25] * 4, [0, 1, -0.25, -0.25]]  # the second group has no variance


def logps(model, sample):
    """log-probabilities of the sample's own tokens, [len]."""
    ids = torch.tensor([sample["prompt"] + sample["ids"]])
    logits, _ = model(ids[:, :-1], mtp=False)
    n = len(sample["prompt"])
    return logits[0].log_softmax(-1)[torch.arange(n - 1, ids.shape[1] - 1), ids[0, n:]]


def noisy(folder, scale, seed):
    model, g = load(folder, torch.float64), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1 + scale * torch.randn(p.shape, generator=g, dtype=torch.float64))
    return model


def draw(model, seed):
    """Three groups of four ragged samples of the model itself, one token of some forced."""
    g = torch.Generator().manual_seed(seed)
    groups = []
    for rewards in REWARDS:
        prompt = torch.randint(0, model.c.vocab_size, (int(torch.randint(3, 9, (1,), generator=g)),), generator=g).tolist()
        group = []
        for i, reward in enumerate(rewards):
            n, ids = int(torch.randint(5, MAX_TOKENS + 1, (1,), generator=g)), []
            forced = [0] * n
            if i == 1:
                forced[n // 2] = 1
            if i == 3:
                n, forced = MAX_TOKENS, [0] * MAX_TOKENS
            for t in range(n):
                p = model(torch.tensor([prompt + ids]), mtp=False)[0][0, -1].softmax(-1)
                ids.append(7 if forced[t] else int(torch.multinomial(p, 1, generator=g)))
            group.append(dict(prompt=prompt, ids=ids, forced=forced, reward=reward, truncated=n == MAX_TOKENS))
        groups.append(group)
    return groups


def shaped_reward(sample, overlong_tokens):
    if not overlong_tokens:
        return sample["reward"]
    over = len(sample["ids"]) - (MAX_TOKENS - overlong_tokens)
    return sample["reward"] - min(max(over / overlong_tokens, 0), 1)


def objective(model, groups, kl, beta, clip_low, clip_high, normalise, std, clip_dual=0, overlong_tokens=0):
    """Returns the loss and what is logged beside it."""
    terms, lengths, advantages, ratios, kls, clipped = [], [], [], [], [], [0, 0]
    for group in groups:
        r = torch.tensor([shaped_reward(s, overlong_tokens) for s in group], dtype=torch.float64)
        a = r - r.mean()
        if std and r.unique().numel() > 1:
            a = a / r.std(unbiased=False)
        a = a * (r.unique().numel() > 1)
        advantages.append(a.tolist())
        for s, advantage in zip(group, a):
            own = ~torch.tensor(s["forced"]).bool()
            logp = logps(model, s)[own]
            ratio = (logp - torch.tensor(s["old_logp"], dtype=torch.float64)[own]).exp()
            bounded = ratio.clamp(1 - clip_low if clip_low else None, 1 + clip_high if clip_high else None) if clip_low or clip_high else ratio
            loss = -torch.min(ratio * advantage, bounded * advantage)
            if clip_dual and advantage < 0:
                clipped[1] += int((ratio > clip_dual).sum())
                loss = torch.min(loss, -clip_dual * advantage)
            clipped[0] += int((ratio < 1 - clip_low).sum()) if clip_low and advantage < 0 else 0
            clipped[1] += int((ratio > 1 + clip_high).sum()) if clip_high and advantage > 0 else 0
            log_x = torch.tensor(s["ref_logp"], dtype=torch.float64)[own] - logp
            value = dict(none=0 * log_x, k1=-log_x, k2=log_x**2 / 2, k3=log_x.exp() - log_x - 1)[kl]
            terms.append(loss + beta * value)
            lengths.append(len(terms[-1]))
            ratios.append(ratio.detach()), kls.append(value.detach())
    if normalise == "sequence":
        total = torch.stack([t.mean() for t in terms]).mean()
    elif normalise == "token":
        total = torch.cat(terms).mean()
    else:
        total = torch.cat(terms).sum() / (len(terms) * MAX_TOKENS)
    ratio = torch.cat(ratios)
    return total, dict(advantages=advantages, loss=total.item(), clipped_low=clipped[0], clipped_high=clipped[1], ratio_min=ratio.min().item(),
                       ratio_max=ratio.max().item(), kl=torch.cat(kls).mean().item(), tokens=len(ratio)), ratio


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/oracle")
    a = p.parse_args()
    folder, model = a.out / MODEL, load(a.out / MODEL, torch.float64)
    old, ref = noisy(folder, 0.03, 1), noisy(folder, 0.06, 2)
    borders = {1 + s * c[k] for c in PRESETS.values() for k, s in (("clip_low", -1), ("clip_high", 1)) if c[k]} | {1.5}
    for seed in range(200):
        with torch.no_grad():
            groups = draw(old, seed)
            clear = True
            for s in (s for group in groups for s in group):
                s["old_logp"], s["ref_logp"] = ([float(x) for x in logps(m, s).float()] for m in (old, ref))
                ratio = (logps(model, s) - torch.tensor(s["old_logp"])).exp()
                clear &= margin(model) > MARGIN and all((ratio - b).abs().min() > 1e-3 for b in borders)
        if clear:
            break
    else:
        raise SystemExit("no rollouts keep every choice clear")

    out, grads = dict(model=MODEL, max_tokens=MAX_TOKENS, groups=groups, presets={}), {}
    names = dict(model.named_parameters())
    for preset, settings in PRESETS.items():
        loss, record, _ = objective(model, groups, **settings)
        found = torch.autograd.grad(loss, names.values(), allow_unused=True)
        for name, parameter, g in zip(names, names.values(), found):
            grads[f"{preset}/{name}"] = (torch.zeros_like(parameter) if g is None else g).float().contiguous()
        out["presets"][preset] = dict(settings=settings, **record)
        print(f"{preset:7} loss {record['loss']:+.6f}  clipped {record['clipped_low']}, {record['clipped_high']} of {record['tokens']}"
              f"  ratio {record['ratio_min']:.3f} to {record['ratio_max']:.3f}  kl {record['kl']:.5f}")
    where = a.out / "grpo"
    where.mkdir(exist_ok=True)
    (where / "rollouts.json").write_text(json.dumps(out) + "\n")
    # the gradients of k1 and k2 are checked on a few tensors: enough, as the loss reaches all of them the same way
    few = ("model.embed_tokens.weight", "model.layers.1.mlp.gate.weight", "model.layers.0.self_attn.kv_b_proj.weight", "model.norm.weight")
    save_file({k: g for k, g in grads.items() if k.split("/")[0] not in ("k1", "k2") or k.split("/")[1] in few}, where / "grads.safetensors")


if __name__ == "__main__":
    main()
