#!/usr/bin/env python3
"""Writes src/data/tokenizer/unicode_classes.inc: the character classes as the pinned `tokenizers` package sees them.

Each class is probed by a Split with that class alone over every code point, so the table carries the Unicode version of the
package's regex engine (tokenizers 0.23.3: Unicode 16), whatever this machine's Python or C library know.
Run from the repository root:  python tools/oracle/tokenizer_unicode.py
"""
import tokenizers
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

CLASSES = [r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}", r"\s"]  # bit i of CharClass
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def members(pattern):
    split = Split(Regex(pattern), "removed")
    for begin in range(0, len(CODE_POINTS), 4096):
        chunk = CODE_POINTS[begin : begin + 4096]
        kept = set()
        for piece, _ in split.pre_tokenize_str("".join(map(chr, chunk))):
            kept.update(map(ord, piece))
        yield from (c for c in chunk if c not in kept)


def main():
    flags = bytearray(0x110000)
    for bit, pattern in enumerate(CLASSES):
        for c in members(pattern):
            flags[c] |= 1 << bit
    runs = [(c, flags[c]) for c in range(0x110000) if c == 0 or flags[c] != flags[c - 1]]
    lines = [
        "// Made by tools/oracle/tokenizer_unicode.py from tokenizers " + tokenizers.__version__ + "; do not edit.",
        "// {first code point, classes} of each run; a run ends where the next begins.",
    ]
    row = ""
    for begin, value in runs:
        item = "{0x%x,%d}," % (begin, value)
        if len(row) + len(item) > 120:
            lines.append(row)
            row = ""
        row += item
    lines.append(row)
    with open("src/data/tokenizer/unicode_classes.inc", "w") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
