#!/usr/bin/env python3
"""Compares the #include lines of src/ with the plan of the house (src/README.md). Exit 1 names every line that goes the wrong way."""
import os
import re
import sys

# room -> rooms it may include directly; arrows are transitive.
PLAN = {
    "base": [],
    "numeric": ["base"],
    "kernels": ["numeric"],
    "tensor": ["kernels"],
    "reason": ["base"],
    "report": ["base"],
    "plan": ["base"],
    "data": ["reason"],
    "layers": ["tensor"],
    "model": ["layers"],
    "checkpoint": ["model", "data"],
    "train": ["checkpoint", "plan"],
    "infer": ["model"],
    "dial": ["infer", "data"],
    "eval": ["dial", "checkpoint"],
    "rl": ["train", "eval"],
    "cli": ["train", "eval", "rl", "report"],
}


def reachable(room, seen=None):
    seen = seen if seen is not None else set()
    for need in PLAN[room]:
        if need not in seen:
            seen.add(need)
            reachable(need, seen)
    return seen


def main():
    root = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
    bad = []
    for folder, _, files in os.walk(root):
        rel = os.path.relpath(folder, root)
        room = rel.split(os.sep)[0]
        if room == ".":
            continue
        if room not in PLAN:
            bad.append(f"src/{room}: this room is not in the plan (tools/check_includes.py, src/README.md)")
            continue
        allowed = reachable(room) | {room}
        for name in files:
            if not name.endswith((".h", ".cpp", ".inc")):
                continue
            path = os.path.join(folder, name)
            for number, line in enumerate(open(path, encoding="utf-8"), 1):
                m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if m and "/" in m.group(1) and m.group(1).split("/")[0] not in allowed:
                    bad.append(f"{os.path.relpath(path, os.path.dirname(root))}:{number}: {room} may not include {m.group(1)}")
    print("\n".join(bad) if bad else "include directions hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
