#!/usr/bin/env python3
"""Records what a forward pass must give for each tiny model: tests/data/oracle/NAME/{config.json, model.safetensors, expected.safetensors}.

usage: make_forward.py [--out tests/data/oracle] [NAME ...]

expected.safetensors, computed in float64 and stored in float32; T tokens, layers counted from 0, MTP layers after the others:
  ids [T] I32 · logits [T, V] · hidden.LAYER [T, D] the residual stream after a layer · mtp_logits.K [T-K, V]
  experts.LAYER [T, K] I32, ascending · expert_weights.LAYER [T, K]
An MTP layer of depth K has T-K rows. A shorter input gives the first rows of the longer one's result: LENGTHS of them are checked
here against transformers, and tests should try the same. No selection of experts is closer than MARGIN to another one, so a float32
computation chooses the same experts.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from configs import CONFIGS, published_state, random_weights
from peer import load_peer, mtp_logits
from reference import DeepSeek, load, read_config

LENGTHS, TOKENS, MARGIN = [1, 2, 37, 48], 48, 1e-4


def margin(model):
    return min((m.gate.margin for m in model.moe_layers().values()), default=float("inf"))


def write_model(folder, config, ids_of):
    """Draws weights (and with them ids) until every selection of experts is clear. Returns the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    model = DeepSeek(read_config(folder)).double()
    for seed in range(1, 1000):
        random_weights(model, seed)
        with torch.no_grad():
            model(ids_of(seed))
        if margin(model) > MARGIN:
            save_file(published_state(model), folder / "model.safetensors", metadata={"format": "pt"})
            return seed
    raise SystemExit(f"{folder.name}: no seed keeps every choice of experts clear by {MARGIN}")


@torch.no_grad()
def record(folder, ids):
    """Returns the reference model and the tensors of expected.safetensors. ids [1, T]."""
    model = load(folder, torch.float64)
    logits, mtp = model(ids)
    out = {"ids": ids[0], "logits": logits[0]}
    out |= {f"mtp_logits.{k}": z[0] for k, z in enumerate(mtp, 1)}
    out |= {f"hidden.{i}": h[0] for i, h in enumerate(model.hidden)}
    for i, m in model.moe_layers().items():
        out[f"experts.{i}"], out[f"expert_weights.{i}"] = m.chosen[0], m.weights[0]
    return model, {k: v.to(torch.float32 if v.is_floating_point() else torch.int32).contiguous() for k, v in out.items()}


@torch.no_grad()
def check_peer(folder, model, expected, ids):
    """Largest differences from transformers over all LENGTHS: main logits, MTP logits, keys missing there."""
    peer, missing, unexpected = load_peer(folder)
    n = model.c.num_hidden_layers
    mtp_only = tuple(f"model.layers.{n + k}." for k in range(model.c.num_nextn_predict_layers))
    assert all(k.startswith(mtp_only) for k in unexpected), unexpected
    assert not [k for k in missing if "shared_experts" not in k], missing  # its shared expert of width 0 is a tensor without elements
    worst = max((peer(ids[:, :t]).logits[0] - expected["logits"][:t]).abs().max().item() for t in LENGTHS)
    depths = mtp_logits(peer, model, ids) if mtp_only and model.c.mtp_hidden == "post_norm" else []  # it knows no other
    return worst, [(z[0] - expected[f"mtp_logits.{k}"]).abs().max().item() for k, z in enumerate(depths, 1)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/oracle")
    p.add_argument("names", nargs="*", metavar="NAME")
    a = p.parse_args()
    for name in a.names or CONFIGS:
        config, folder = CONFIGS[name], a.out / name

        def ids_of(seed):
            return torch.randint(0, config["vocab_size"], (1, TOKENS), generator=torch.Generator().manual_seed(1000 + seed))

        ids = ids_of(write_model(folder, config, ids_of))
        model, expected = record(folder, ids)
        save_file(expected, folder / "expected.safetensors", metadata={"lengths": ",".join(map(str, LENGTHS))})
        worst, depths = check_peer(folder, model, expected, ids)
        size = sum(f.stat().st_size for f in folder.iterdir())
        print(f"{name:14} margin {margin(model):.1e}  |transformers - reference| {worst:.1e}"
              + "".join(f"  mtp {k}: {d:.1e}" for k, d in enumerate(depths, 1)) + f"  {size / 1024:.0f} KiB", flush=True)


if __name__ == "__main__":
    main()
