#!/usr/bin/env python3
"""One line of results/learning.jsonl: 20-step means of the losses of a minke run and of PyTorch's curve on the same batches.

usage: learning_row.py CURVE.json METRICS.jsonl --commit C --seed S --machine M
"""
import argparse
import json
from pathlib import Path

WINDOW = 20


def means(values):
    return [round(sum(values[s : s + WINDOW]) / WINDOW, 5) for s in range(0, len(values) - WINDOW + 1, WINDOW)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("curve", type=Path)
    p.add_argument("metrics", type=Path)
    for name in ("--commit", "--machine"):
        p.add_argument(name, required=True)
    p.add_argument("--seed", type=int, required=True)
    a = p.parse_args()
    curve = json.loads(a.curve.read_text())
    steps = [json.loads(line) for line in a.metrics.read_text().splitlines()]
    ours, theirs = means([x["loss"] for x in steps]), means(curve["loss"])
    ours_mtp, theirs_mtp = means([x["mtp_loss"][0] for x in steps]), means([x[0] for x in curve["mtp_loss"]])
    worst = max(abs(x / y - 1) for x, y in zip(ours + ours_mtp, theirs + theirs_mtp))
    print(json.dumps(dict(study="learning", commit=a.commit, machine=a.machine, config="tiny, bf16", seed=a.seed, steps=len(steps),
                          largest_relative_difference=round(worst, 6), loss=ours, pytorch_loss=theirs, mtp_loss=ours_mtp,
                          pytorch_mtp_loss=theirs_mtp)))


if __name__ == "__main__":
    main()
