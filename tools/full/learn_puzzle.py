#!/usr/bin/env python3
"""`minke learn puzzle` over several seeds, and what the model's other families keep: a line a seed is appended to results/learn.jsonl.

Two seeds run side by side, one thread each. Every family is asked with 512 held-out problems at effort high before (once) and after. About 8
minutes for each pair of seeds on 2 idle cores.

usage: tools/full/learn_puzzle.py [--model models/default] [--minutes 6] [--seeds 1-10]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINKE = os.environ.get("MINKE", "build/minke")
FAMILIES = {"digits-b1": ["--level", "4"], "expressions-b3": ["--level", "4"], "countdown-a3": [], "words": []}


def last_line(*arguments):
    done = subprocess.run([MINKE, *arguments, "--json"], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "MINKE_THREADS": "1"})
    if done.returncode:
        sys.exit(f"minke {' '.join(arguments)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def families(model):
    return {name: last_line("eval", str(model), "--task", name, *level, "--n", "512", "--seed", "1", "--samples", "1", "--effort", "high")["pass1"]
            for name, level in FAMILIES.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", default="models/default")
    p.add_argument("--minutes", default="6")
    p.add_argument("--seeds", default="1-10", help="FIRST-LAST")
    o = p.parse_args()
    first, last = map(int, o.seeds.split("-"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    info = json.loads(subprocess.run([MINKE, "info", "--json"], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    before = families(o.model)

    def run(seed):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            end = last_line("learn", "puzzle", "--model", o.model, "--minutes", o.minutes, "--seed", str(seed), "--out", str(out))
            after = families(out)
        row = {"commit": commit, "machine": f"{info['cpu']} {info['isa']}, 1 thread, two runs side by side",
               "command": f"minke learn puzzle --minutes {o.minutes} --seed {seed}", "model": o.model, "seed": seed,
               "before": end["before"], "after": end["after"], "minutes": end["minutes"], "tokens": end["tokens"], "cost": end["cost"],
               "families": {name: {"before": before[name], "after": after[name]} for name in FAMILIES}}
        with open(ROOT / "results/learn.jsonl", "a") as results:
            results.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
        return row

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(run, range(first, last + 1)))
    disjoint = sum(r["before"]["ci95"][1] < r["after"]["ci95"][0] for r in rows)
    print(f"{disjoint} of {len(rows)} seeds: intervals before and after are disjoint")
    for name in FAMILIES:
        kept = sum(r["families"][name]["after"] for r in rows) / len(rows) / before[name]
        print(f"{name}: keeps {100 * kept:.1f}% of {100 * before[name]:.1f}%")


if __name__ == "__main__":
    main()
