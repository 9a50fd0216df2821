#!/usr/bin/env python3
"""Compares `minke tokenizer encode` with the pinned `tokenizers` package: ids on text files and on generated adversarial strings.

  python tools/oracle/tokenizer_compare.py TOKENIZER_FOLDER [--minke build/minke] [--strings 10000] [--seed 1] [--record FILE] [--auto] [TEXT...]

Each string is encoded in four ways: as the file says, and with GPT-2's pre-tokenizer in its place; each with added tokens cut out
and as plain text (`tokenizers` is then given the file without them). --record writes the first 1,000 strings and their ids (as the
file says, plain; `special`: with special tokens, where that differs) as JSON lines. --auto also loads the folder with
transformers' AutoTokenizer. Speed is one thread each, the best of three; minke's is its own --stats. Exit 1 if anything differs.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import tokenizers
from tokenizers import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def class_borders():
    """The first and last code point of every run of equal class in the generated table."""
    with open(os.path.join(ROOT, "src/data/tokenizer/unicode_classes.inc")) as file:
        firsts = [int(x, 16) for x in re.findall(r"\{0x([0-9a-f]+),", file.read())]
    borders = {c for first in firsts for c in (first - 1, first)}
    return [c for c in borders if 0 <= c < 0x110000 and not 0xD800 <= c <= 0xDFFF]


CJK_EDGES = [0x303F, 0x3040, 0x3096, 0x3097, 0x3099, 0x309B, 0x309F, 0x30A0, 0x30FB, 0x30FF, 0x3100, 0x3400, 0x4DBF, 0x4DFF, 0x4E00, 0x9FA5, 0x9FA6]
BLANKS = [0x20, 0x20, 0x20, 9, 0xA, 0xA, 0xB, 0xC, 0xD, 0x85, 0xA0, 0x1680, 0x2000, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
ODD = [0, 1, 0x1C, 0x1F, 0x7F, 0xAD, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0F, 0xFEFF, 0xFFFD, 0xFFFE, 0xE000, 0x10FFFF, 0x1F468, 0x1F3FD, 0x20E3, 0x1F1E9, 0xE0041]
PHRASES = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", " 's", "''", "don't", "I'LL", "_foo", "(x", ".\n", ");\n\n", "==\r\n", "  \n \n x", "\r\n", "0.1", "1,234,567", "٣٤٥", "²³", "Ⅷ", "½", "e\u0301", "क्षि", "ไทย", "한국어", "日本語テキスト", "カ・キ", "。", "「」", "ＡＢＣ１２", "🏳️‍🌈", "naïve", "ſ", "İ", "ǅ", "<|EOT|>", "https://x.y/z?a=b&c", "Ġ", "Ċ"]
LETTERS = [ord(c) for c in "aZqéßñΩжשقकあ漢한"]
ANY = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def generate(count, seed, specials):
    rng = random.Random(seed)
    borders = class_borders()
    for index in range(count):
        pools = rng.sample(
            [
                lambda: chr(rng.choice(borders)),
                lambda: chr(rng.choice(CJK_EDGES)),
                lambda: chr(rng.choice(BLANKS)) * rng.choice([1, 1, 2, 3]),
                lambda: chr(rng.choice(ODD)),
                lambda: rng.choice(PHRASES),
                lambda: chr(rng.choice(LETTERS)) * rng.choice([1, 2, 5]),
                lambda: chr(rng.choice(ANY)),
                lambda: chr(rng.randrange(0x21, 0x7F)),
                lambda: chr(rng.randrange(0x30, 0x3A)) * rng.choice([1, 2, 3, 4]),
                lambda: chr(rng.randrange(0x100)),
                lambda: rng.choice(specials)[: rng.choice([None, None, -1, 3])],
            ],
            rng.randrange(1, 6),
        )
        length = rng.choice([1, 2, 3, 5, 8, 13, 30, 80])
        text = "".join(rng.choice(pools)() for _ in range(length))
        if index % 500 == 499:  # one piece past the short loop, and past any cache
            text += rng.choice(["a", "ab", "  ", "\n", "!", "é", "漢字", "１"]) * rng.randrange(50, 3000)
        yield text


def minke_ids(minke, folder, files, flags):
    rows = []
    for begin in range(0, len(files), 500):
        command = [minke, "tokenizer", "encode", folder, *flags, "--file", *files[begin : begin + 500]]
        rows += subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    return [json.loads(row) for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer")
    parser.add_argument("texts", nargs="*")
    parser.add_argument("--minke", default=os.path.join(ROOT, "build/minke"))
    parser.add_argument("--strings", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record")
    parser.add_argument("--auto", action="store_true")
    args = parser.parse_intermixed_args()

    with open(os.path.join(args.tokenizer, "tokenizer.json")) as file:
        published = json.load(file)
    gpt2 = dict(published, pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True})
    specials = [token["content"] for token in published["added_tokens"]]
    strings = list(generate(args.strings, args.seed, specials))
    different = 0

    with tempfile.TemporaryDirectory() as scratch:
        files = []
        for index, text in enumerate(strings):
            files.append(os.path.join(scratch, str(index)))
            with open(files[-1], "w", encoding="utf-8", newline="") as file:
                file.write(text)
        found = {}
        for name, content in (("as the file says", published), ("GPT-2 pre-tokenizer", gpt2)):
            folder = os.path.join(scratch, name.split()[0])
            os.mkdir(folder)
            with open(os.path.join(folder, "tokenizer.json"), "w") as file:
                json.dump(content, file)
            for special in (False, True):
                peer = Tokenizer.from_str(json.dumps(content if special else dict(content, added_tokens=[])))
                ours = minke_ids(args.minke, folder, files, ["--allow-special"] if special else [])
                theirs = [peer.encode(text, add_special_tokens=False).ids for text in strings]
                bad = [i for i in range(len(strings)) if ours[i] != theirs[i]]
                found[name, special] = theirs
                different += len(bad)
                print(f"{name}, {'special tokens' if special else 'plain'}: {len(strings)} strings, {len(bad)} differ", flush=True)
                for i in bad[:3]:
                    print(f"  {strings[i]!r}\n    minke      {ours[i][:40]}\n    tokenizers {theirs[i][:40]}")
        if args.record:
            with open(args.record, "w", encoding="utf-8", newline="\n") as file:
                rows = [(text, *(found["as the file says", special][i] for special in (False, True))) for i, text in enumerate(strings)]
                for text, plain, special in [row for row in rows if len(row[0]) < 200][:1000]:
                    row = {"text": text, "ids": plain} | ({} if special == plain else {"special": special})
                    file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")

        if args.auto:
            import transformers

            peer = transformers.AutoTokenizer.from_pretrained(args.tokenizer)
            bad = sum(peer.encode(text, add_special_tokens=False) != found["as the file says", True][i] for i, text in enumerate(strings))
            different += bad
            print(f"AutoTokenizer, transformers {transformers.__version__}: {len(strings)} strings, {bad} differ", flush=True)
        peer = Tokenizer.from_file(os.path.join(args.tokenizer, "tokenizer.json"))
        for path in args.texts:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
            speed = peer_speed = 0
            for _ in range(3):
                start = time.perf_counter()
                theirs = peer.encode(text, add_special_tokens=False).ids
                peer_speed = max(peer_speed, len(text.encode()) / (time.perf_counter() - start) / 1e6)
                command = [args.minke, "tokenizer", "encode", args.tokenizer, "--allow-special", "--stats", "--file", path]
                run = subprocess.run(command, check=True, capture_output=True)
                speed = max(speed, float(re.search(r"([0-9.]+) MB/s", run.stderr.decode())[1]))
            same = json.loads(run.stdout) == theirs
            different += not same
            print(f"{os.path.basename(path)}: {len(theirs)} ids {'equal' if same else 'DIFFER'}, minke {speed:.1f} MB/s, tokenizers {peer_speed:.1f} MB/s", flush=True)
    print(f"tokenizers {tokenizers.__version__}: {'all equal' if not different else f'{different} differences'}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
