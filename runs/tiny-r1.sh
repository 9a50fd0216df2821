#!/bin/sh
# From zero to a model that learnt from right and wrong alone, in one sitting: pretraining, cold start, GRPO, and its curve.
# 18 + 15 + 11 minutes on one Zen 4 core (MINKE_THREADS=1, other work beside). Every stage goes on where it stopped; FRESH=1 starts over.
# Environment: TASK (countdown-a3), STEPS of RL (as its config says), OUT (out/tiny-r1), CONFIG (the task's RL config).
set -eu
minke=${MINKE:-build/minke}
task=${TASK:-countdown-a3}
out=${OUT:-out/tiny-r1}
case $task in
  countdown-a3) config=${CONFIG:-configs/rl-countdown.toml}; level="" ;;
  expressions-b3) config=${CONFIG:-configs/rl-expressions.toml}; level="--level 4" ;;
  *) echo "TASK $task: expected countdown-a3 or expressions-b3; for others see docs/rl.md" >&2; exit 2 ;;
esac
[ "${FRESH:-0}" = 1 ] && rm -rf "$out"
mkdir -p "$out"

echo "== 1. Pretraining: a little prose, many problems with noisy traces"
$minke train configs/tiny-r1.toml --out "$out/base" ${TOKENS:+--tokens $TOKENS}

echo "== 2. Cold start: the form of an answer, from 10,000 traces"
traces="$out/$task.jsonl"
[ -s "$traces" ] || { $minke data problems "$task" $level --split train --n "${TRACES:-10000}" --seed 1 --form cold-start > "$traces.part" && mv "$traces.part" "$traces"; }
$minke sft configs/tiny-cold.toml --model "$out/base" --data "$traces" --out "$out/cold-$task"

echo "== 3. GRPO: only whether the answer is right"
$minke rl "$config" --model "$out/cold-$task" --out "$out/$task" ${STEPS:+--steps $STEPS}

echo "== The curve: held-out problems solved, in percent"
python=$(command -v python3 || true)
if [ -n "$python" ]; then
  "$python" - "$out/$task/metrics.jsonl" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    j = json.loads(line)
    if "val/pass1" in j:
        low, high = (100 * x for x in j["val/ci95"])
        p = 100 * j["val/pass1"]
        print(f"step {j['step']:>5}  {p:5.1f} [{low:4.1f}, {high:4.1f}]  {'#' * round(p / 2)}")
PY
fi
echo "Ask it: $minke chat $out/$task"
