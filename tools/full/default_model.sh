#!/bin/sh
# The shipped model on held-out problems: three evaluation seeds, three efforts, 512 problems each; a line each is appended to
# results/default.jsonl. About 10 minutes on 2 idle cores.
# usage: tools/full/default_model.sh [MODEL] (models/default); GSM8K=FILE and SVAMP=FILE add these test sets, which are reported and no more
set -eu
cd "$(dirname "$0")/../.."
model=${1:-models/default}
minke=${MINKE:-build/minke}
commit=$(git rev-parse --short HEAD)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)

ask() {  # SEED EFFORT PROBLEMS TASK...
  seed=$1 effort=$2 n=$3
  shift 3
  $minke eval "$model" --task "$@" --n "$n" --seed "$seed" --effort "$effort" --json | tail -n 1 |
    python3 -c '
import json, sys
commit, cpu, model, seed, effort, task = sys.argv[1:]
s = json.loads(sys.stdin.read())
given = 1 - s["abstained"] - s["no_answer"]
row = {"commit": commit, "machine": cpu, "model": model, "task": task, "effort": effort, "seed": int(seed), "n": s["n"], "pass1": round(s["pass1"], 4),
       "ci95": [round(x, 4) for x in s["ci95"]], "abstained": round(s["abstained"], 4), "right_of_given": round(s["pass1"] / given, 4) if given else None,
       "mean_tokens": round(s["mean_tokens"], 1)}
print(json.dumps(row))' "$commit" "$cpu" "$model" "$seed" "$effort" "$*" | tee -a results/default.jsonl
}

for seed in 1 2 3; do
  for effort in off high max; do
    for task in "digits-b1 --level 4" "expressions-b3 --level 4" countdown-a3 words puzzle; do
      ask $seed $effort 512 $task
    done
  done
done
[ -z "${GSM8K:-}" ] || ask 1 high 500 gsm8k --data "$GSM8K" --whole
[ -z "${SVAMP:-}" ] || ask 1 high 300 svamp --data "$SVAMP" --whole
