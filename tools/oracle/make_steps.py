#!/usr/bin/env python3
"""Records twelve training steps of two tiny models: tests/data/oracle/NAME/{steps.safetensors, steps.json}.

usage: make_steps.py [--out tests/data/oracle] [NAME ...]      (make_forward.py writes the models)

steps.safetensors: `tokens` [12, 4, 25] I32. steps.json: `recipe` as train_curve.py reads it, with the clip norm small enough to act and every
schedule moving, and the `curve` it gives in float64. Batches are drawn until the float32 run stays within 1e-5 of it, so that no
choice of experts hangs on rounding.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from reference import load
from train_curve import train

STEPS, CLOSE = 12, 1e-5
RECIPE = dict(lr=[min(s + 1, 4) * 1e-3 for s in range(STEPS)], gamma=[0.02] * 8 + [0.0] * 4, mtp_weight=[0.3] * 6 + [0.1] * 6,
              alpha=0.01, weight_decay=0.1, beta1=0.9, beta2=0.95, eps=1e-8, clip=1.0)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/oracle")
    p.add_argument("names", nargs="*", metavar="NAME", default=["v3", "v3-odd"])
    a = p.parse_args()
    for name in a.names:
        folder = a.out / name
        for seed in range(50):
            model = load(folder, torch.float64)
            # a few tokens only, so that there is something to learn
            tokens = torch.randint(0, 12, (STEPS, 4, 25), generator=torch.Generator().manual_seed(seed))
            exact, rounded = train(model, tokens, RECIPE, False), train(load(folder), tokens, RECIPE, False)
            worst = max(abs(x - y) for x, y in zip(exact["loss"], rounded["loss"]))
            if worst <= CLOSE:
                break
        else:
            raise SystemExit(f"{name}: float32 leaves float64 for every seed")
        save_file({"tokens": tokens.int()}, folder / "steps.safetensors")
        (folder / "steps.json").write_text(json.dumps(dict(recipe=RECIPE, curve=exact)) + "\n")
        print(f"{name}: loss {exact['loss'][0]:.4f} to {exact['loss'][-1]:.4f}, |float32 - float64| {worst:.1e}, "
              f"gradient norms {min(exact['grad_norm']):.2f} to {max(exact['grad_norm']):.2f}")


if __name__ == "__main__":
    main()
