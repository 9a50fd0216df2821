#!/usr/bin/env python3
"""FP8 folders of minke's against PyTorch and transformers.   fp8_folder.py MODEL --minke build/minke [--transformers]

Of `minke convert MODEL OUT --dtype fp8`, with either kind of scales, it requires
- that every matrix that DeepSeek-V3 publishes in FP8, and no other, is stored so, with the codes and scales that PyTorch computes from MODEL's
  values, and that all other tensors are MODEL's in BF16 (router biases in F32);
- that `minke convert OUT BACK --dtype f32` gives codes times scales, bit for bit, and a conversion of OUT without --dtype its bytes;
- with --transformers, that transformers loads OUT dequantised, nothing missing and nothing unexpected but MTP layers, with float32 logits
  within 1e-3 of `minke logits --dtype f32`. It takes blocks of equal size, so each matrix must be whole blocks.
Exit status 1 if anything differs.
"""
import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from ecosystem import check, failures, run
from fp8_blocks import dequantise, quantise

PLAIN = re.compile(r"(norm|embed_tokens|lm_head|head|mlp\.gate|eh_proj)\.weight$|e_score_correction_bias$")


def tensors_of(folder):
    out = {}
    for file in sorted(folder.glob("*.safetensors")):
        out |= load_file(file)
    return out


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))


def check_stored(source, stored, power_of_two):
    want = {}
    for name, x in source.items():
        if PLAIN.search(name) or x.ndim == 1:
            want[name] = x if name.endswith("e_score_correction_bias") else x.bfloat16()
        else:
            want[name], want[name + "_scale_inv"] = quantise(x.float(), 128, 128, power_of_two)
    check(want.keys() == stored.keys(), f"{len(stored)} tensors {sorted(want.keys() ^ stored.keys())[:3]}")
    different = [n for n in want if n in stored and not same(want[n], stored[n])]
    matrices = sum(n.endswith("_scale_inv") for n in want)
    partial = sum(any(d % 128 for d in x.shape) for n, x in stored.items() if n + "_scale_inv" in stored)
    check(not different, f"codes and scales of {matrices} matrices ({partial} with partial blocks) equal PyTorch's {different[:3]}")


def check_dequantised(stored, back):
    want = {n: dequantise(x, stored[n + "_scale_inv"]) if n + "_scale_inv" in stored else x.float() for n, x in stored.items() if not n.endswith("_scale_inv")}
    different = [n for n in want if n not in back or not same(want[n], back[n])]
    check(not different and len(want) == len(back), f"dequantised by minke as by PyTorch {different[:3]}")


def check_transformers(minke, folder, tmp):
    from transformers import FineGrainedFP8Config

    from peer import load_peer

    config = json.loads((folder / "config.json").read_text())
    model, missing, unexpected = load_peer(folder, quantization_config=FineGrainedFP8Config(dequantize=True))
    model = model.float()  # asked for float32, transformers 5.23.0 gives it to the dequantised matrices alone
    n, depths = config["num_hidden_layers"], config.get("num_nextn_predict_layers") or 0
    mtp = tuple(f"model.layers.{n + k}." for k in range(depths))
    check(not missing and all(mtp and k.startswith(mtp) for k in unexpected), f"transformers: none missing {missing[:3]}, unexpected only MTP's {len(unexpected)}")
    ids = torch.randint(3, config["vocab_size"], (96,), generator=torch.Generator().manual_seed(1))
    run(minke, "logits", folder, "--ids", ",".join(map(str, ids.tolist())), "--out", tmp / "logits.safetensors", "--dtype", "f32")
    ours = load_file(tmp / "logits.safetensors")["logits"]
    with torch.no_grad():
        difference = (ours - model(ids[None]).logits[0]).abs().max().item()
    check(difference <= 1e-3, f"transformers, dequantised: largest difference in logits {difference:.1e} (standard deviation {ours.std().item():.2f})")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=Path)
    p.add_argument("--minke", required=True, help="the binary, or a command line that starts it")
    p.add_argument("--transformers", action="store_true")
    a = p.parse_args()
    source = tensors_of(a.model)
    for scales in ("f32", "pow2"):
        print(f"{a.model}, scales {scales}")
        with tempfile.TemporaryDirectory() as name:
            tmp = Path(name)
            run(a.minke, "convert", a.model, tmp / "fp8", "--dtype", "fp8", "--scales", scales)
            run(a.minke, "convert", tmp / "fp8", tmp / "back", "--dtype", "f32")
            run(a.minke, "convert", tmp / "fp8", tmp / "again")
            stored = tensors_of(tmp / "fp8")
            check_stored(source, stored, scales == "pow2")
            check_dequantised(stored, tensors_of(tmp / "back"))
            again = tensors_of(tmp / "again")
            check(again.keys() == stored.keys() and all(same(again[n], stored[n]) for n in stored), "converted again: the same bytes")
            if a.transformers:
                check_transformers(a.minke, tmp / "fp8", tmp)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
