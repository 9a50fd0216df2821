#!/usr/bin/env python3
"""Trains the reference from minke's own initial weights on minke's own batches and writes the loss of every step.

usage: train_curve.py MODEL BATCHES RECIPE [--dtype f32|bf16-autocast] [--steps N] [--master FILE ...] [--out CURVE.json]
                      [--compare METRICS.jsonl --tolerance X [--window N]]

MODEL    folder written by `minke train --steps 0`; --master: safetensors files whose float32 tensors replace the folder's rounded ones
BATCHES  safetensors with `tokens` I32 [steps, B, L+1]: L inputs and their L targets a row
RECIPE   JSON: lr, gamma, mtp_weight, alpha, each a number or a list with one number a step; optional (default) weight_decay 0.1,
         beta1 0.9, beta2 0.95, eps 1e-8, clip 1.0
Output   {"of": {"batches", "weights": CRC-32 of what it began with, "recipe"}, "loss": [main loss a step], "mtp_loss": [[a depth] a step],
         "balance": [], "grad_norm": [before clipping], "max_vio": [[a layer] a step], "margin": [smallest distance of any choice of experts
         or groups to a different one]}. Two float32 programs agree only as long as their rounding is smaller than the margin.

A step: gradient of main + mtp_weight * mean(mtp) + alpha * balance; clipped by its norm over all parameters; AdamW in float32, where
matrices decay and norms do not; then each router's bias moves by gamma * sign(mean load - load), loads over the whole batch.
--compare reads `loss` (and `mtp_loss`) of minke's metrics.jsonl, step 1 being the first batch. Without --window the largest difference
must not exceed --tolerance; with it, the largest relative difference of the means over N steps. Exit status 1 if it does.
"""
import argparse
import json
import sys
import time
import zlib
from pathlib import Path

import torch
from safetensors.torch import load_file

from reference import load, total_loss


def at(value, step):
    return value[step] if isinstance(value, list) else value


def optimizer(model, recipe):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    norms = [p for p in model.parameters() if p.dim() == 1]
    groups = [dict(params=matrices, weight_decay=recipe.get("weight_decay", 0.1)), dict(params=norms, weight_decay=0.0)]
    return torch.optim.AdamW(groups, betas=(recipe.get("beta1", 0.9), recipe.get("beta2", 0.95)), eps=recipe.get("eps", 1e-8), foreach=True)


@torch.no_grad()
def clip(parameters, largest):
    """clip_grad_norm_ with the norm summed in float64: in float32 its error, 1e-5, would be larger than all others of a step."""
    norm = torch.stack([p.grad.double().square().sum() for p in parameters]).sum().sqrt()
    if largest > 0 and norm > largest:
        for p in parameters:
            p.grad *= (largest / (norm + 1e-6)).float()
    return norm


@torch.no_grad()
def move_biases(model, gamma):
    for moe in model.moe_layers().values():
        if model.c.topk_method == "noaux_tc":
            load = moe.counts.float()
            moe.gate.e_score_correction_bias += gamma * torch.sign(load.mean() - load)


def train(model, batches, recipe, autocast):
    curve = dict(loss=[], mtp_loss=[], balance=[], grad_norm=[], max_vio=[], margin=[])
    opt, began = optimizer(model, recipe), time.time()
    for step, tokens in enumerate(batches.long()):
        for group in opt.param_groups:
            group["lr"] = at(recipe["lr"], step)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss, (main, mtp, balance) = total_loss(model, tokens, at(recipe["mtp_weight"], step), at(recipe["alpha"], step))
        loss.backward()
        for p in model.parameters():
            if p.grad is None:  # an expert without tokens still decays
                p.grad = torch.zeros_like(p)
        norm = clip(list(model.parameters()), recipe.get("clip", 1.0))
        opt.step()
        opt.zero_grad()
        move_biases(model, at(recipe["gamma"], step))
        loads = [m.counts.float() for m in model.moe_layers().values()]
        for key, value in zip(curve, (main.item(), [x.item() for x in mtp], balance.item(), norm.item(),
                                      [(x.max() / x.mean() - 1).item() for x in loads],
                                      min((m.margin for m in model.moe_layers().values()), default=float("inf")))):
            curve[key].append(value)
        if step % 20 == 0 or step + 1 == len(batches):
            print(f"step {step + 1}: loss {main.item():.6f}, {tokens[:, 1:].numel() * (step + 1) / (time.time() - began):.0f} tokens/s", file=sys.stderr)
    return curve


def fingerprint(model, batches, recipe):
    """What a curve belongs to: CRC-32 of the batches (int32) and of all parameters (float32, name and values, in the names' order)."""
    weights = 0
    for name, value in sorted(model.state_dict().items()):
        weights = zlib.crc32(value.contiguous().numpy().tobytes(), zlib.crc32(name.encode(), weights))
    return dict(batches=zlib.crc32(batches.int().contiguous().numpy().tobytes()), weights=weights, recipe=recipe)


def compare(curve, metrics, tolerance, window):
    lines = [json.loads(line) for line in Path(metrics).read_text().splitlines() if line.strip()]
    by_step = {x["step"]: x for x in lines if "loss" in x}
    minke = [by_step[s] for s in range(1, len(curve["loss"]) + 1)]
    columns = {"loss": ([x["loss"] for x in minke], curve["loss"])}
    for k, theirs in enumerate(zip(*curve["mtp_loss"])):
        columns[f"mtp_loss {k + 1}"] = [x["mtp_loss"][k] for x in minke], theirs

    worst, where, span = -1.0, "", window or 1
    for name, (ours, theirs) in columns.items():
        for s in range(0, len(ours) - span + 1, span):
            a, b = sum(ours[s : s + span]) / span, sum(theirs[s : s + span]) / span
            difference = abs(a - b) / b if window else abs(a - b)
            if not difference <= worst:  # NaN counts as the worst
                worst, where = difference, f"{name}, from step {s + 1}: minke {a:.6f}, reference {b:.6f}"
    ok = 0 <= worst <= tolerance
    print(f"largest {f'relative difference of {window}-step means' if window else 'difference'} {worst:.2e} ({where}), "
          f"allowed {tolerance:.0e}: {'ok' if ok else 'FAILED'}")
    return ok


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=Path)
    p.add_argument("batches", type=Path)
    p.add_argument("recipe", type=Path)
    p.add_argument("--dtype", choices=["f32", "bf16-autocast"], default="f32")
    p.add_argument("--steps", type=int, help="how many of the batches (all)")
    p.add_argument("--master", type=Path, nargs="*", default=[])
    p.add_argument("--out", type=Path)
    p.add_argument("--compare", type=Path)
    p.add_argument("--tolerance", type=float, default=1e-4)
    p.add_argument("--window", type=int)
    a = p.parse_args()
    torch.set_flush_denormal(True)  # as minke's threads do
    model = load(a.model, torch.float32, a.master)
    batches = load_file(a.batches)["tokens"][: a.steps]
    recipe = json.loads(a.recipe.read_text())
    of = fingerprint(model, batches, recipe)
    curve = train(model, batches, recipe, a.dtype == "bf16-autocast")
    if a.out:
        rows = {"of": of, **curve}
        a.out.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items()) + "\n}\n")
    if a.compare and not compare(curve, a.compare, a.tolerance, a.window):
        sys.exit(1)


if __name__ == "__main__":
    main()
