#!/usr/bin/env python3
"""The dial's claims, from the files of `minke dial curve --settings`.

usage: dial_study.py [--family FILE ...] [--mixed CALIBRATION TEST] [--single CALIBRATION TEST ...] [--json FILE]
       dial_study.py --self-test

Steps (--family, a file a family, with its checker where it has one): each of off, minimal, low, medium, high, max against the one before, paired over problems; Holm over all
steps of all families. Fails where a step down is significant, or max is not at least 10 points above off where off is below 80%, or is
significantly below off elsewhere.

Hull (--mixed, --single, without a checker: the same settings on the calibration and on the test split): the fixed settings (a cap times a number of samples, with and
without max's early stop) on the upper concave envelope of (tokens, accuracy) of the calibration split, measured on test. auto at a price stands
against the mixture of two neighbours of that envelope that spends on test what auto spends (the last setting beyond either end, marked < or >).
D = accuracy of auto - ((1 - w) accuracy of A + w accuracy of B), w = (tokens of auto - tokens of A) / (tokens of B - tokens of A);
its error from the influence of each problem on D, tokens included; two-sided p, Holm over the prices. Every token counts: prompts, thoughts, answers,
those discarded too. Fails where auto is significantly below. The control (shuffled) should not lie significantly above.
"""
import argparse
import json
import math
import random
import sys

Z = 1.959963984540054
EFFORTS = ("off", "minimal", "low", "medium", "high", "max")


def mean(x):
    return sum(x) / len(x)


def test_of(values):
    """Mean of independent values, its 95% interval and the two-sided p of 0."""
    n, m = len(values), mean(values)
    error = math.sqrt(sum((x - m) ** 2 for x in values) / (n - 1) / n)
    p = math.erfc(abs(m) / error / math.sqrt(2)) if error > 0 else (1.0 if m == 0 else 0.0)
    return m, (m - Z * error, m + Z * error), p


def holm(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    out, floor = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, p[i] * (len(p) - rank)))
        out[i] = floor
    return out


def load(path):
    with open(path) as f:
        lines = [json.loads(line) for line in f]
    return lines[0], lines[1:]


def steps(path):
    problems, settings = load(path)
    by_name = {s["setting"]: s for s in settings if s["kind"] == "effort"}
    family = problems["family"][0]
    out = []
    for a, b in list(zip(EFFORTS, EFFORTS[1:])) + [("off", "max")]:
        values = [y - x for x, y in zip(by_name[a]["right"], by_name[b]["right"])]
        out.append({"family": family, "from": a, "to": b, "n": len(values), "before": mean(by_name[a]["right"]), "after": mean(by_name[b]["right"]),
                    "tokens": mean(by_name[b]["tokens"]), "test": test_of(values)})
    return out


def envelope(settings):
    """Names on the upper concave envelope of (tokens, accuracy), rising in both."""
    points = sorted((mean(s["tokens"]), -mean(s["right"]), s["setting"]) for s in settings)
    hull = []
    for tokens, wrong, name in points:
        right = -wrong
        if hull and right <= hull[-1][1]:
            continue
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (tokens - hull[-1][0]) <= (right - hull[-1][1]) * (hull[-1][0] - hull[-2][0]):
            hull.pop()
        hull.append((tokens, right, name))
    return [name for _, _, name in hull]


def against_hull(auto, hull):
    """auto's setting against the hull's settings in their order: (where, difference's test, accuracy of the hull)."""
    tokens = mean(auto["tokens"])
    hull = sorted(hull, key=lambda s: mean(s["tokens"]))
    low, high = mean(hull[0]["tokens"]), mean(hull[-1]["tokens"])
    if tokens <= low or tokens >= high or len(hull) == 1:
        end = hull[0] if tokens <= low else hull[-1]
        values = [a - b for a, b in zip(auto["right"], end["right"])]
        return ("<" if tokens <= low else ">"), test_of(values), mean(end["right"])
    at = next(i for i in range(1, len(hull)) if mean(hull[i]["tokens"]) > tokens)
    a, b = hull[at - 1], hull[at]
    ta, tb, ra, rb = mean(a["tokens"]), mean(b["tokens"]), mean(a["right"]), mean(b["right"])
    w = (tokens - ta) / (tb - ta)
    values = []
    for r, t, xa, ya, xb, yb in zip(auto["right"], auto["tokens"], a["right"], a["tokens"], b["right"], b["tokens"]):
        dw = ((t - ya) - w * (yb - ya)) / (tb - ta)  # this problem's part in w, 0 on average
        values.append(r - (1 - w) * xa - w * xb - (rb - ra) * dw)
    return "", test_of(values), (1 - w) * ra + w * rb


def hull_study(name, calibration, test):
    _, chosen_from = load(calibration)
    problems, settings = load(test)
    names = envelope([s for s in chosen_from if s["kind"] == "fixed"])
    fixed = {s["setting"]: s for s in settings if s["kind"] == "fixed"}
    hull = [fixed[n] for n in names]
    out = {"name": name, "n": len(problems["id"]), "hull": [{"setting": s["setting"], "tokens": mean(s["tokens"]), "accuracy": mean(s["right"])} for s in hull], "prices": []}
    best = max(hull, key=lambda s: mean(s["right"]))
    for kind in ("price", "shuffled"):
        rows = [s for s in settings if s["kind"] == kind]
        tests = [against_hull(s, hull) for s in rows]
        adjusted = holm([t[1][2] for t in tests])
        for s, (where, (difference, interval, p), rival), q in zip(rows, tests, adjusted):
            out["prices"].append({"kind": kind, "price": s["price"], "tokens": mean(s["tokens"]), "accuracy": mean(s["right"]), "hull": rival, "where": where,
                                  "difference": difference, "ci95": interval, "p": p, "holm": q})
    # The fewest tokens at which auto is not below the best fixed setting, of the prices measured.
    autos = [s for s in settings if s["kind"] == "price" or (s["kind"] == "effort" and s["setting"] == "auto")]
    equal = [mean(s["tokens"]) for s in autos if mean(s["right"]) >= mean(best["right"])]
    out["best_fixed"] = {"setting": best["setting"], "accuracy": mean(best["right"]), "tokens": mean(best["tokens"])}
    out["tokens_at_equal_accuracy"] = min(equal) / mean(best["tokens"]) if equal else None
    return out


def show_hull(study):
    bad = []
    print(f"\n{study['name']}: {study['n']} problems; hull of " + ", ".join(f"{h['setting']} ({h['tokens']:.0f}, {100 * h['accuracy']:.1f}%)" for h in study["hull"]))
    print(f"{'':9} {'price':>9} {'tokens':>8} {'auto':>7} {'hull':>7}   {'difference':<24} {'p Holm':>7}")
    for r in study["prices"]:
        lo, hi = r["ci95"]
        mark = "  below" if r["holm"] < 0.05 and r["difference"] < 0 else "  above" if r["holm"] < 0.05 else ""
        print(f"{r['kind']:9} {r['price']:9.2e} {r['tokens']:8.1f} {100 * r['accuracy']:6.1f}% {100 * r['hull']:6.1f}%{r['where']:1} "
              f"{100 * r['difference']:+6.2f} [{100 * lo:+.2f}, {100 * hi:+.2f}]{'':4} {r['holm']:7.4f}{mark}")
        if r["kind"] == "price" and mark.strip() == "below":
            bad.append(f"{study['name']}: auto at price {r['price']:.2e} is below the hull")
        if r["kind"] == "shuffled" and mark.strip() == "above":
            bad.append(f"{study['name']}: the shuffled control at price {r['price']:.2e} is above the hull")
    best, ratio = study["best_fixed"], study["tokens_at_equal_accuracy"]
    print(f"best fixed: {best['setting']}, {100 * best['accuracy']:.1f}% at {best['tokens']:.1f} tokens; auto reaches it at "
          + (f"{ratio:.2f} of them" if ratio else "none of the prices measured"))
    return bad


def self_test():
    random.seed(1)
    n = 2000
    hard = [random.random() < 0.5 for _ in range(n)]
    def setting(name, kind, easy_right, hard_right, tokens, price=None):
        return {"setting": name, "kind": kind, "price": price, "right": [int(random.random() < (hard_right if h else easy_right)) for h in hard],
                "tokens": [tokens(h) for h in hard]}
    cheap, dear = setting("low x1", "fixed", 0.95, 0.2, lambda h: 10), setting("high x1", "fixed", 0.95, 0.8, lambda h: 50)
    silly = setting("low x2", "fixed", 0.95, 0.2, lambda h: 20)
    assert envelope([dear, silly, cheap]) == ["low x1", "high x1"]
    knows = setting("auto", "price", 0.95, 0.8, lambda h: 50 if h else 10, 1)
    where, (d, ci, p), rival = against_hull(knows, [dear, cheap])
    assert where == "" and abs(d - 0.15) < 0.04 and p < 1e-6, (where, d, p)
    # A coin that pays the mean price is a mixture: on the hull, and so it is found in 95 of 100 draws.
    inside = 0
    for _ in range(200):
        coin = [random.random() < 0.5 for _ in range(n)]
        a, b = setting("a", "fixed", 0.95, 0.2, lambda h: 10), setting("b", "fixed", 0.95, 0.8, lambda h: 50)
        mixed = {"right": [y if c else x for c, x, y in zip(coin, a["right"], b["right"])], "tokens": [50 if c else 10 for c in coin]}
        _, (_, (lo, hi), _), _ = against_hull(mixed, [a, b])
        inside += lo <= 0 <= hi
    assert 180 <= inside <= 199, inside
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    print("self-test passed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", action="append", default=[])
    parser.add_argument("--mixed", nargs=2)
    parser.add_argument("--single", nargs=2, action="append", default=[])
    parser.add_argument("--json")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    bad, result = [], {}
    rows = [row for path in args.family for row in steps(path)]
    ladder = [r for r in rows if r["from"] != "off" or r["to"] != "max"]
    for r, q in zip(ladder, holm([r["test"][2] for r in ladder])):
        r["holm"] = q
    if rows:
        print(f"{'family':20} {'step':18} {'before':>7} {'after':>7} {'tokens':>8}   {'difference':<24} {'p Holm':>7}")
    for r in rows:
        difference, (lo, hi), _ = r["test"]
        wrong = ""
        if "holm" in r and r["holm"] < 0.05 and difference < 0:
            wrong = "significantly worse"
        if "holm" not in r and r["before"] < 0.8 and difference < 0.1:
            wrong = "max is not 10 points above off"
        if "holm" not in r and r["before"] >= 0.8 and hi < 0:
            wrong = "max is below off"
        print(f"{r['family']:20} {r['from'] + ' -> ' + r['to']:18} {100 * r['before']:6.1f}% {100 * r['after']:6.1f}% {r['tokens']:8.1f}   "
              f"{100 * difference:+6.2f} [{100 * lo:+.2f}, {100 * hi:+.2f}]{'':4} {r.get('holm', float('nan')):7.4f}  {wrong}")
        if wrong:
            bad.append(f"{r['family']}, {r['from']} -> {r['to']}: {wrong}")
    result["steps"] = [{k: v for k, v in r.items() if k != "test"} | {"difference": r["test"][0], "ci95": r["test"][1], "p": r["test"][2]} for r in rows]
    result["hulls"] = []
    for name, pair in ([("mixed levels", args.mixed)] if args.mixed else []) + [(f"one level, {p[1]}", p) for p in args.single]:
        study = hull_study(name, *pair)
        result["hulls"].append(study)
        bad += show_hull(study)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f)
    print("\n" + ("\n".join(bad) if bad else "the dial's claims hold"))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
