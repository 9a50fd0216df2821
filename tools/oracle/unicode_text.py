#!/usr/bin/env python3
"""Writes src/base/unicode_tables.inc (canonical decompositions, combining classes, lower case) from Python's unicodedata, and
tests/data/unicode/text.tsv: texts with what Python makes of them.

Run from the repository root:  python3 tools/oracle/unicode_text.py
"""
import os
import random
import unicodedata as u

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)  # by arithmetic, Unicode 3.12


def lower(c):  # the mapping of one character to one character
    text = chr(c).lower()
    return ord(text) if len(text) == 1 else c


def rows(items):
    row, out = "", []
    for item in items:
        if len(row) + len(item) > 120:
            out.append(row)
            row = ""
        row += item
    return out + [row]


def tables():
    decompositions = []
    for c in CODE_POINTS:
        parts = u.decomposition(chr(c)).split()
        if not parts or parts[0].startswith("<") or c in HANGUL:
            continue
        a, b = (int(p, 16) for p in (parts + ["0"])[:2])
        composes = len(parts) == 2 and u.normalize("NFC", chr(a) + chr(b)) == chr(c)
        decompositions.append("{0x%x,0x%x,0x%x,%d}," % (c, a, b, composes))
    classes, lowers = [], []
    for c in CODE_POINTS:
        k = u.combining(chr(c))
        if k and classes and classes[-1][1] == c - 1 and classes[-1][2] == k:
            classes[-1][1] = c
        elif k:
            classes.append([c, c, k])
        d = lower(c) - c
        if d and lowers and lowers[-1][2] == d and c - lowers[-1][1] in (1, 2) and lowers[-1][3] in (0, c - lowers[-1][1]):
            lowers[-1][3] = c - lowers[-1][1]
            lowers[-1][1] = c
        elif d:
            lowers.append([c, c, d, 0])
    return [
        "// Made by tools/oracle/unicode_text.py from Unicode %s; do not edit." % u.unidata_version,
        "constexpr Decomposition kDecompositions[] = {  // code point, its one or two parts, whether they compose again",
        *rows(decompositions),
        "};",
        "constexpr CombiningRun kCombining[] = {  // first, last, canonical combining class",
        *rows("{0x%x,0x%x,%d}," % tuple(r) for r in classes),
        "};",
        "constexpr LowerRun kLower[] = {  // first, last, what to add, step",
        *rows("{0x%x,0x%x,%d,%d}," % (r[0], r[1], r[2], r[3] or 1) for r in lowers),
        "};",
    ]


def vectors():
    rng = random.Random(7)
    marks = [c for c in CODE_POINTS if u.combining(chr(c))]
    composed = [c for c in CODE_POINTS if u.decomposition(chr(c)) and not u.decomposition(chr(c)).startswith("<")]
    jamo = list(range(0x1100, 0x1113)) + list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3))
    pools = [composed, marks, jamo, list(HANGUL), list(range(0x41, 0x5B)), list(range(0x391, 0x3A9)), list(range(0x410, 0x450))]
    texts = ["", "Paris", "Cafe\u0301", "CAF\u00c9", "\u212b", "\u1e9b\u0323", "A\u0328\u0301\u0323", "\ud55c\uae00", "\u1112\u1161\u11ab"]
    for _ in range(1200):
        texts.append("".join(chr(rng.choice(rng.choice(pools))) for _ in range(rng.randint(1, 8))))
    for text in texts:
        nfc = u.normalize("NFC", text)
        yield "\t".join([text, nfc, u.normalize("NFC", "".join(chr(lower(ord(c))) for c in nfc.strip()))])


def main():
    with open("src/base/unicode_tables.inc", "w", encoding="utf-8") as f:
        f.write("\n".join(tables()) + "\n")
    os.makedirs("tests/data/unicode", exist_ok=True)
    with open("tests/data/unicode/text.tsv", "w", encoding="utf-8", newline="\n") as f:
        f.write("\n".join(vectors()) + "\n")


main()
