#!/usr/bin/env python3
"""Turns a tiny-v3 folder recorded by an independent float64 NumPy program into the form that make_forward.py writes, and compares
the reference with it: import_tiny_v3.py SOURCE [--out tests/data/oracle/tiny-v3]. SOURCE holds hf-bf16/, expected.json,
logits-numpy-f64.f32 and hidden-after-each-layer.f32."""
import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from make_forward import LENGTHS, check_peer, margin, record


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("source", type=Path)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/oracle/tiny-v3")
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    for file in (a.source / "hf-bf16").iterdir():
        shutil.copyfile(file, a.out / file.name)

    said = json.loads((a.source / "expected.json").read_text())
    ids = torch.tensor([said["tokens"]])
    model, mine = record(a.out, ids)
    c, T = model.c, ids.shape[1]
    logits = torch.from_numpy(np.fromfile(a.source / "logits-numpy-f64.f32", "<f4").reshape(T, c.vocab_size))
    hidden = torch.from_numpy(np.fromfile(a.source / "hidden-after-each-layer.f32", "<f4").reshape(-1, T, c.hidden_size))
    out = {"ids": ids[0].int(), "logits": logits, **{f"hidden.{i}": h.contiguous() for i, h in enumerate(hidden)}}
    for i, rows in enumerate(said["routes_by_moe_layer"], c.first_k_dense_replace):
        out[f"experts.{i}"] = torch.tensor(rows, dtype=torch.int32).sort(-1).values
        out[f"expert_weights.{i}"] = mine[f"expert_weights.{i}"]
        assert torch.equal(out[f"experts.{i}"], mine[f"experts.{i}"]), f"layer {i}: other experts"
    save_file(out, a.out / "expected.safetensors", metadata={"lengths": ",".join(map(str, [*LENGTHS, T]))})
    print(f"tiny-v3  margin {margin(model):.1e}  |NumPy - reference| {(logits - mine['logits']).abs().max():.1e}  hidden "
          f"{max((h - mine[f'hidden.{i}']).abs().max() for i, h in enumerate(hidden)):.1e}  |transformers - NumPy| "
          f"{check_peer(a.out, model, out, ids)[0]:.1e}")


if __name__ == "__main__":
    main()
