#!/usr/bin/env python3
"""RL against its cold start at equal tokens, from the rows of `minke eval --task ... --json` (or --rows).

usage: equal_tokens.py --pair COLD.jsonl RL.jsonl [--pair ...] [--draws 10000] [--seed 1] [--json]
       equal_tokens.py --self-test

A pair is one seed of one family, which the rows name; the pairs of a family are pooled: a problem's values are means over its pairs,
and problems are what the bootstrap draws. Both files of a pair hold the same problems with the same number of samples.

Votes (cons@k): blocks of k samples; equal vote names count together, an empty one abstains, ties go to the earliest. Tokens at k: k times
the mean tokens of an answer. RL's votes at k stand against the cold start's curve at RL's tokens: linear in tokens between its own k
(a mixture of two settings), its first or last point outside (marked <, >). 95% intervals and two-sided p from a paired bootstrap that
draws tokens and votes together; Holm over the families at each k. The free checker (Countdown): any right among k (pass@k), and the tokens
of sampling until the first right one, at most k.

Exit 1 where RL's votes are significantly below at some k, or its pass@16 by significantly more than 2 points.
"""
import argparse
import json
import math
import random
import sys

KS = (1, 2, 4, 8, 16)
Z = 1.959963984540054


def majority(votes):
    counts = {}
    for v in votes:
        if v:
            counts[v] = counts.get(v, 0) + 1
    best = max(counts.values(), default=0)
    return next((i for i, v in enumerate(votes) if v and counts[v] == best), -1)


def blocks(n, k):
    return [range(b, b + k) for b in range(0, n - k + 1, k)]


def cons_at_k(right, votes, k):
    won = 0
    for block in blocks(len(right), k):
        speaker = majority([votes[i] for i in block])
        won += speaker >= 0 and right[block[speaker]]
    return won / len(blocks(len(right), k))


def pass_at_k(right, k):
    n, c = len(right), sum(right)
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def tokens_until_right(right, tokens, k):
    total = 0
    for block in blocks(len(right), k):
        for i in block:
            total += tokens[i]
            if right[i]:
                break
    return total / len(blocks(len(right), k))


def mean_interval(shares, samples):
    """As eval/stats.h: Wilson's at the effective number of answers."""
    n, p = len(shares), sum(shares) / len(shares)
    effective = n
    if n > 1 and 0 < p < 1:
        variance = sum((x - p) ** 2 for x in shares) / (n - 1) / n
        effective = min(p * (1 - p) / variance if variance else math.inf, n * samples)
    middle = (p + Z * Z / (2 * effective)) / (1 + Z * Z / effective)
    half = Z / (1 + Z * Z / effective) * math.sqrt(p * (1 - p) / effective + Z * Z / (4 * effective**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def holm(p):
    out, floor = [0.0] * len(p), 0.0
    for i, at in enumerate(sorted(range(len(p)), key=lambda j: p[j])):
        floor = max(floor, min(1.0, p[at] * (len(p) - i)))
        out[at] = floor
    return out


def read_rows(path):
    """problem id -> rows by sample; and the family."""
    problems, families = {}, set()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "id" not in row or "sample" not in row:
                continue  # what made them, and the summary
            problems.setdefault(row["id"], []).append(row)
            families.add(row["family"])
    if len(families) != 1:
        sys.exit(f"{path}: expected the rows of one family, found {', '.join(sorted(families)) or 'none'}")
    for rows in problems.values():
        rows.sort(key=lambda r: r["sample"])
    scored = {k: v for k, v in problems.items() if all(r["outcome"] != "ungradable" for r in v)}
    return families.pop(), scored


def values(rows):
    """What one problem adds to every curve."""
    right = [bool(r["correct"]) for r in rows]
    votes = [r["vote"] for r in rows]
    tokens = [r["total_tokens"] for r in rows]
    ks = [k for k in KS if k <= len(rows)]
    return ([sum(tokens) / len(tokens)] + [cons_at_k(right, votes, k) for k in ks] + [pass_at_k(right, k) for k in ks]
            + [tokens_until_right(right, tokens, k) for k in ks])


def at_tokens(tokens, points, x):
    """The curve's value at x tokens, and a mark where x is outside."""
    if x <= tokens[0]:
        return points[0], "<" if x < tokens[0] else ""
    for i in range(1, len(tokens)):
        if x <= tokens[i]:
            share = (x - tokens[i - 1]) / (tokens[i] - tokens[i - 1])
            return points[i - 1] + share * (points[i] - points[i - 1]), ""
    return points[-1], ">"


class Family:
    """The pairs of one family: problem -> values of the cold start and of RL, means over pairs."""

    def __init__(self, name):
        self.name, self.pairs, self.sums, self.samples = name, [], {}, None

    def add(self, cold_path, rl_path, cold, rl):
        if set(cold) != set(rl):
            sys.exit(f"{cold_path} and {rl_path}: not the same problems ({len(set(cold) ^ set(rl))} in one of them alone); use one --seed and --n")
        counts = {len(r) for side in (cold, rl) for r in side.values()}
        if len(counts) != 1 or (self.samples or min(counts)) != min(counts):
            sys.exit(f"{cold_path} and {rl_path}: problems have {sorted(counts)} samples; expected the same everywhere")
        self.samples = counts.pop()
        shares = [[sum(r["correct"] for r in side[i]) / self.samples for i in side] for side in (cold, rl)]
        self.pairs.append([(sum(s) / len(s), mean_interval(s, self.samples)) for s in shares])
        for i in cold:
            v = values(cold[i]) + values(rl[i])
            total, n = self.sums.get(i, ([0.0] * len(v), 0))
            self.sums[i] = ([a + b for a, b in zip(total, v)], n + 1)

    def compare(self, draws, seed):
        self.ks = [k for k in KS if k <= self.samples]
        columns = list(zip(*([x / n for x in total] for total, n in self.sums.values())))
        n = len(columns[0])
        rng = random.Random(seed)
        self.n = n
        self.observed = self.statistics([sum(c) / n for c in columns])
        drawn = []
        for _ in range(draws):
            chosen = rng.choices(range(n), k=n)
            drawn.append(self.statistics([sum(map(c.__getitem__, chosen)) / n for c in columns])["differences"])
        self.results = {}
        for name, d in self.observed["differences"].items():
            sample = sorted(x[name] for x in drawn)
            rarer = min(sum(x <= 0 for x in sample), sum(x >= 0 for x in sample))
            self.results[name] = {"difference": d, "ci95": [sample[int(0.025 * (draws - 1))], sample[math.ceil(0.975 * (draws - 1))]],
                                  "p": min(1.0, 2 * (rarer + 1) / (draws + 1))}

    def statistics(self, means):
        m, half = len(self.ks), len(means) // 2
        sides = [dict(tokens=s[0], cons=s[1:1 + m], passed=s[1 + m:1 + 2 * m], until=s[1 + 2 * m:1 + 3 * m]) for s in (means[:half], means[half:])]
        cold, rl = sides
        out = {"cold": cold, "rl": rl, "differences": {}, "marks": {}, "cold_at": {}}
        for i, k in enumerate(self.ks):
            for name, ys, xs, x in (("cons", "cons", [k2 * cold["tokens"] for k2 in self.ks], k * rl["tokens"]),
                                    ("checker", "passed", cold["until"], rl["until"][i])):
                there, mark = at_tokens(xs, cold[ys], x)
                out["cold_at"][name, k], out["marks"][name, k] = there, mark
                out["differences"][name, k] = rl[ys][i] - there
            out["differences"]["pass", k] = rl["passed"][i] - cold["passed"][i]
        return out


def report(families):
    print_table, failures = [], []
    for name in ("cons", "checker", "pass"):
        for k in KS:
            present = [f for f in families if (name, k) in f.results]
            for f, p in zip(present, holm([f.results[name, k]["p"] for f in present])):
                f.results[name, k]["holm"] = p
    for f in families:
        o, out = f.observed, print_table.append
        out(f"{f.name}: {f.n} problems, {f.samples} samples, {len(f.pairs)} seeds; in percent")
        for i, ((c, ci), (r, ri)) in enumerate(f.pairs):
            apart = "apart" if ri[0] > ci[1] else "overlapping"
            out(f"  seed {i + 1}: pass@1 {100 * c:.1f} [{100 * ci[0]:.1f}, {100 * ci[1]:.1f}] -> {100 * r:.1f} [{100 * ri[0]:.1f}, {100 * ri[1]:.1f}], "
                f"{100 * (r - c):+.1f}, intervals {apart}")
        for name, title, key in (("cons", "votes", "cons"), ("checker", "free checker, stopping at the first right one", "passed")):
            out(f"  {title}")
            out("     k  cold tokens  cold    RL tokens    RL  cold at RL's tokens  difference               p   Holm")
            for i, k in enumerate(f.ks):
                r = f.results[name, k]
                tokens = [k * o[s]["tokens"] if name == "cons" else o[s]["until"][i] for s in ("cold", "rl")]
                below = r["difference"] < 0 and r["holm"] < 0.05
                if below and name == "cons":
                    failures.append(f"{f.name}: votes at k = {k} significantly below the cold start's curve")
                out(f"    {k:2}  {tokens[0]:11.1f} {100 * o['cold'][key][i]:5.1f}  {tokens[1]:11.1f} {100 * o['rl'][key][i]:5.1f}  "
                    f"{100 * o['cold_at'][name, k]:18.1f}{o['marks'][name, k] or ' '}  {100 * r['difference']:+6.1f} [{100 * r['ci95'][0]:+6.1f}, "
                    f"{100 * r['ci95'][1]:+6.1f}]  {r['p']:6.4f} {r['holm']:6.4f}{'  below' if below else ''}")
        top = f.ks[-1]
        for k in sorted({1, top}):
            r = f.results["pass", k]
            out(f"  pass@{k} {100 * r['difference']:+.1f} [{100 * r['ci95'][0]:+.1f}, {100 * r['ci95'][1]:+.1f}]")
        if top == 16 and f.results["pass", 16]["ci95"][1] < -0.02:
            failures.append(f"{f.name}: pass@16 significantly more than 2 points lower")
    return print_table, failures


def as_json(f):
    o = f.observed
    rows = lambda name: [dict(k=k, cold_at_rl_tokens=o["cold_at"].get((name, k)), **f.results[name, k]) for k in f.ks]
    return json.dumps({"study": "equal_tokens", "family": f.name, "n": f.n, "samples": f.samples, "ks": f.ks,
                       "seeds": [{"cold": {"pass1": c, "ci95": ci}, "rl": {"pass1": r, "ci95": ri}} for (c, ci), (r, ri) in f.pairs],
                       "cold": o["cold"], "rl": o["rl"], "votes": rows("cons"), "checker": rows("checker"), "pass_k": rows("pass")})


def self_test():
    assert majority(["7", "3", "3", "7"]) == 0 and majority(["", "5", ""]) == 1 and majority(["", ""]) == -1
    right, votes = [True, False, False, True, False, True, True], ["a", "b", "b", "a", "", "a", "a"]
    assert [cons_at_k(right, votes, k) for k in (1, 2, 3, 7)] == [4 / 7, 2 / 3, 1 / 2, 1]
    assert pass_at_k([True] * 3 + [False] * 5, 3) == 1 - 10 / 56
    assert tokens_until_right([False, True, False, False], [3, 5, 7, 9], 2) == (8 + 16) / 2
    assert holm([0.01, 0.04, 0.03, 0.005]) == [0.03, 0.06, 0.06, 0.02]
    assert at_tokens([10, 20, 40], [0.2, 0.4, 0.5], 30) == (0.45, "") and at_tokens([10, 20], [0.2, 0.4], 5) == (0.2, "<")
    assert at_tokens([10, 20], [0.2, 0.4], 21) == (0.4, ">")
    low, high = mean_interval([0.0] * 20, 16)
    assert low == 0 and abs(high - 0.1611) < 5e-5

    def rows(p, tokens, seed):  # independent samples; wrong answers scatter, so votes help
        rng, out = random.Random(seed), {}
        for i in range(200):
            out[f"p{i}"] = [dict(sample=s, correct=(c := rng.random() < p), vote="x" if c else str(rng.randrange(50)), total_tokens=tokens, outcome="right" if c else "wrong") for s in range(16)]
        return out

    # RL: twice the tokens and 0.6 against 0.3 a sample: better at every k. A worse one at the same tokens must be called below.
    better, worse = Family("better"), Family("worse")
    for seed in range(2):
        better.add("cold", "rl", rows(0.3, 30, seed), rows(0.6, 60, 10 + seed))
        worse.add("cold", "rl", rows(0.3, 30, seed), rows(0.1, 30, 20 + seed))
    for f in (better, worse):
        f.compare(500, 1)
    cold_at_60 = better.observed["cold_at"]["cons", 1]
    assert abs(cold_at_60 - better.observed["cold"]["cons"][1]) < 1e-12, "60 tokens are the cold start's k = 2"
    _, failures = report([better, worse])
    assert failures and all(x.startswith("worse") for x in failures) and any("k = 16" in x for x in failures), failures
    print("equal_tokens: self-test passed")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pair", nargs=2, action="append", metavar=("COLD", "RL"))
    p.add_argument("--draws", type=int, default=10000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--json", action="store_true", help="a line a family instead of tables")
    p.add_argument("--self-test", action="store_true")
    a = p.parse_args()
    if a.self_test:
        return self_test()
    if not a.pair:
        p.error("expected at least one --pair COLD RL")
    families = {}
    for cold_path, rl_path in a.pair:
        (name, cold), (rl_name, rl) = read_rows(cold_path), read_rows(rl_path)
        if name != rl_name:
            sys.exit(f"{cold_path} is {name}, {rl_path} is {rl_name}; a pair is one family")
        families.setdefault(name, Family(name)).add(cold_path, rl_path, cold, rl)
    for f in families.values():
        f.compare(a.draws, a.seed)
    lines, failures = report(list(families.values()))
    print("\n".join(as_json(f) for f in families.values()) if a.json else "\n".join(lines))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
