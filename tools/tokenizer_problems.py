#!/usr/bin/env python3
"""Writes tokenizer/problems.txt, the problems that our tokenizer is trained on beside the books: solved problems of the train split
from the eleven families with a number (countdown-a1 ... units-b6), 17,000 bytes a family, a blank line between two. `words` came when
the tokenizer was frozen and is left out: with it the tokenizer would be another.
Run from the repository root after `make build`:  python3 tools/tokenizer_problems.py
"""
import json
import re
import subprocess

FAMILY_BYTES = 17_000

usage = subprocess.run(["build/minke", "data", "problems", "--help"], check=True, capture_output=True, text=True).stdout
families = re.findall(r"^  (\S+-[ab]\d) ", usage, re.MULTILINE)
documents = []
for family in families:
    command = ["build/minke", "data", "problems", family, "--split", "train", "--n", "1000", "--seed", "4096"]
    left = FAMILY_BYTES
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        text = json.loads(line)["text"]
        left -= len(text.encode()) + 2
        if left < 0:
            break
        documents.append(text)
with open("tokenizer/problems.txt", "w", encoding="utf-8", newline="\n") as file:
    file.write("\n\n".join(documents) + "\n")
print(f"tokenizer/problems.txt: {len(documents)} problems of {len(families)} families")
