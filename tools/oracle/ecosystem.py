#!/usr/bin/env python3
"""Opens a folder that minke trained in transformers and tokenizers, and compares what both sides say.

usage: ecosystem.py MODEL [--minke build/minke] [--prompts FILE] [--tokens 64] [--text FILE ...] [--out RESULT.json]

Without --minke: loads the folder (no tensor missing; unexpected only model.layers.<num_hidden_layers + k>.*, the MTP layers), checks
that AutoTokenizer and tokenizers agree, and writes the greedy continuation of every prompt in float32.
With it, also runs the binary and requires that `minke convert --drop-mtp` writes a folder with nothing unexpected at all, the same token
ids of every prompt and text (`minke tokenizer encode`), logits within 1e-4 on the prompts (`minke logits --dtype f32`) and the same
greedy continuations (`minke generate --dtype f32 --json`). A prompt's ids are BOS and the text's tokens. Exit status 1 if anything differs.
"""
import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizers
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from peer import load_peer

PROMPTS = ["Once upon a time there was a", "The King said to his daughter,", "\"I never saw such a thing", "It was a cold morning in the early",
           "Alice was beginning to get very", "My dear Watson,", "12 + 30 =", "Using the numbers 3, 5 and 7,", "The little house stood",
           "And so they lived"]
failures = []


def check(ok, line):
    print(("ok      " if ok else "FAILED  ") + line)
    if not ok:
        failures.append(line)


def run(minke, *args, stdin=None):
    done = subprocess.run([*shlex.split(minke), *map(str, args)], input=stdin, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{minke} {' '.join(map(str, args))}: exit status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def check_loading(folder):
    model, missing, unexpected = load_peer(folder)
    config = json.loads((folder / "config.json").read_text())
    n, depths = config["num_hidden_layers"], config.get("num_nextn_predict_layers") or 0
    mtp = tuple(f"model.layers.{n + k}." for k in range(depths))
    check(not missing, f"{type(model).__name__}: no tensor missing {missing}")
    strange = [k for k in unexpected if not (mtp and k.startswith(mtp))]
    check(not strange, f"none unexpected but the {depths} MTP layers' {len(unexpected) - len(strange)} {strange}")
    return model, config


def check_tokenizer(folder, texts):
    auto, plain = AutoTokenizer.from_pretrained(folder), tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = [plain.encode(t, add_special_tokens=False).ids for t in texts]
    check(ids == [auto.encode(t, add_special_tokens=False) for t in texts], f"AutoTokenizer and tokenizers: same ids of {len(texts)} texts")
    check([plain.decode(i, skip_special_tokens=False) for i in ids] == texts, "tokenizers: decoding gives the texts back")
    return ids


@torch.no_grad()
def greedy(model, ids, tokens, eos):
    """Plain argmax with the cache; the stop token is left out. Returns ids and the smallest gap between the two best logits."""
    out, cache, gap, step = [], None, float("inf"), torch.tensor([ids])
    while len(out) < tokens:
        said = model(step, past_key_values=cache, use_cache=True)
        cache, best = said.past_key_values, said.logits[0, -1].topk(2)
        gap = min(gap, (best.values[0] - best.values[1]).item())
        if best.indices[0].item() in eos:
            break
        out.append(best.indices[0].item())
        step = best.indices[:1][None]
    return out, gap


def check_drop_mtp(minke, folder):
    with tempfile.TemporaryDirectory() as tmp:
        run(minke, "convert", folder, Path(tmp) / "model", "--drop-mtp")
        _, missing, unexpected = load_peer(Path(tmp) / "model")
        check(not missing and not unexpected, f"minke convert --drop-mtp: none missing {missing}, none unexpected {unexpected}")


def compare_minke(minke, folder, model, prompts, texts, text_ids, ids, continuations, tokens, eos):
    # Each text is one file: prompts may hold anything but a newline, texts are files as they stand.
    for text, want in zip(texts, text_ids):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as f:
            f.write(text)
            f.flush()
            got = json.loads(run(minke, "tokenizer", "encode", folder, "--file", f.name))
        check(got == want, f"minke tokenizer encode: {len(want)} ids of {text[:30]!r}...")
    with tempfile.TemporaryDirectory() as tmp:
        for prompt, row in zip(prompts, ids):
            out = Path(tmp) / "logits.safetensors"
            run(minke, "logits", folder, "--ids", ",".join(map(str, row)), "--out", out, "--dtype", "f32")
            with torch.no_grad():
                difference = (load_file(out)["logits"] - model(torch.tensor([row])).logits[0]).abs().max().item()
            check(difference <= 1e-4, f"minke logits of {prompt!r}: |difference| {difference:.1e}")
    for prompt, (want, gap) in zip(prompts, continuations):
        said = json.loads(run(minke, "generate", folder, "-p", prompt, "--temperature", 0, "--max-tokens", tokens, "--dtype", "f32", "--json"))
        got = said["ids"][:-1] if said["ids"] and said["ids"][-1] in eos else said["ids"]
        same = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        check(got == want, f"minke generate {prompt!r}: {same} of {len(want)} ids equal, closest call {gap:.1e}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=Path)
    p.add_argument("--minke", help="the binary, or a command line that starts it")
    p.add_argument("--prompts", type=Path, help="one a line instead of the ten built in")
    p.add_argument("--text", type=Path, nargs="*", default=[], help="files whose ids are compared too")
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--out", type=Path)
    a = p.parse_args()
    prompts = a.prompts.read_text().splitlines() if a.prompts else PROMPTS
    texts = prompts + [f.read_bytes().decode() for f in a.text]

    model, config = check_loading(a.model)
    text_ids = check_tokenizer(a.model, texts)
    eos = config.get("eos_token_id")
    eos = eos if isinstance(eos, list) else [] if eos is None else [eos]
    bos = [] if config.get("bos_token_id") is None else [config["bos_token_id"]]
    ids = [bos + row for row in text_ids[: len(prompts)]]
    continuations = [greedy(model, row, a.tokens, eos) for row in ids]
    if a.out:
        rows = [dict(prompt=t, prompt_ids=i, ids=c, closest_call=g) for t, i, (c, g) in zip(prompts, ids, continuations)]
        a.out.write_text("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
    if a.minke:
        check_drop_mtp(a.minke, a.model)
        compare_minke(a.minke, a.model, model, prompts, texts, text_ids, ids, continuations, a.tokens, eos)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
