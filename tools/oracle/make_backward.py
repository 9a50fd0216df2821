#!/usr/bin/env python3
"""Records the loss and every parameter's gradient for some of the tiny models: tests/data/oracle/NAME/{grads.safetensors, loss.json}.

usage: make_backward.py [--out tests/data/oracle] [NAME ...]      (make_forward.py writes the models)

grads.safetensors: `tokens` [2, 25] I32, each row 24 inputs and their 24 targets, and under each parameter's published name the
gradient of `loss`, computed in float64 and stored in float32. The router's bias has none; embedding and head hold the sum over the
main model and the MTP layers. loss.json: loss = main + mtp_weight * mean(mtp) + alpha * balance, see reference.losses.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from make_forward import MARGIN, margin
from peer import load_peer, mtp_logits
from reference import load, total_loss

NAMES = ["v3", "v3-odd", "v3-no-q-lora", "v3-half-split", "v3-pre-norm", "v2-lite", "v2-normalised"]
MTP_WEIGHT, ALPHA, SHAPE = 0.3, 0.1, (2, 25)


def gradients(model, loss):
    names = dict(model.named_parameters())
    found = torch.autograd.grad(loss, names.values(), allow_unused=True, retain_graph=True)
    return {k: torch.zeros_like(p) if g is None else g for (k, p), g in zip(names.items(), found)}


def clear_tokens(model):
    for seed in range(1000):
        tokens = torch.randint(0, model.c.vocab_size, SHAPE, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            model(tokens[:, :-1])
        if margin(model) > MARGIN:
            return tokens
    raise SystemExit("no tokens keep every choice of experts clear")


def peer_difference(folder, model, tokens, mine):
    """Largest relative difference (norm) between `mine`, the gradient of main + mtp_weight * mean(mtp), and transformers' in float32,
    over all parameters of its main model. What comes back from the MTP modules is in both, their own parameters are not."""
    peer, _, _ = load_peer(folder)
    ids, count = tokens[:, :-1], tokens[:, 1:].numel()

    def nll(z, target):
        return torch.nn.functional.cross_entropy(z.flatten(0, 1), target.flatten(), reduction="sum") / count

    depths = mtp_logits(peer, model, ids) if model.c.num_nextn_predict_layers else []
    loss = nll(peer(ids).logits, tokens[:, 1:])
    for k, z in enumerate(depths, 1):
        loss = loss + MTP_WEIGHT / len(depths) * nll(z, tokens[:, k + 1 :])
    loss.backward()
    theirs = {}
    for name, p in peer.named_parameters():
        if name.endswith("mlp.experts.gate_up_proj"):
            for e, fused in enumerate(p.grad):
                at = name.removesuffix("gate_up_proj") + str(e)
                theirs[f"{at}.gate_proj.weight"], theirs[f"{at}.up_proj.weight"] = fused.chunk(2)
        elif name.endswith("mlp.experts.down_proj"):
            theirs |= {f"{name.removesuffix('down_proj')}{e}.down_proj.weight": g for e, g in enumerate(p.grad)}
        else:
            theirs[name] = p.grad
    return max(((g - mine[k]).norm() / mine[k].norm()).item() for k, g in theirs.items()), len(theirs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "tests/data/oracle")
    p.add_argument("names", nargs="*", metavar="NAME")
    a = p.parse_args()
    for name in a.names or NAMES:
        folder = a.out / name
        model = load(folder, torch.float64)
        tokens = clear_tokens(model)
        loss, (main_loss, mtp, balance) = total_loss(model, tokens, MTP_WEIGHT, ALPHA)
        grads = gradients(model, loss)
        save_file({"tokens": tokens.int(), **{k: g.float().contiguous() for k, g in grads.items()}}, folder / "grads.safetensors")
        (folder / "loss.json").write_text(json.dumps(
            dict(mtp_weight=MTP_WEIGHT, alpha=ALPHA, loss=loss.item(), main=main_loss.item(), mtp=[x.item() for x in mtp],
                 balance=balance.item(), grad_norm=torch.stack([g.norm() for g in grads.values()]).norm().item()), indent=1) + "\n")

        of_balance = gradients(model, ALPHA * balance)
        share = min(((of_balance[k].norm() / g.norm()).item() for k, g in grads.items() if k.endswith("mlp.gate.weight")))
        line = f"{name:14} loss {loss.item():.6f}  balance's share of a router's gradient at least {share:.3f}"
        if name not in ("v2-normalised", "v3-pre-norm"):  # transformers has neither
            worst, count = peer_difference(folder, model, tokens, gradients(model, loss - ALPHA * balance))
            line += f"  |transformers - reference| {worst:.1e} over {count} tensors"
        dead = [k for k, g in grads.items() if not g.any()]
        print(line + (f"  no gradient: {dead}" if dead else ""), flush=True)


if __name__ == "__main__":
    main()
