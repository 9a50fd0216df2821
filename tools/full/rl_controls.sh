#!/bin/sh
# Controls of RL on a cold-started model: a random reward gives no rise, the grader's reward does, both on-policy to the bit at every step.
#   tools/full/rl_controls.sh MODEL [CONFIG] [STEPS]        (MODEL: a folder from minke sft; about STEPS x 4 seconds for tiny on 2 cores)
# Prints a line per run; exit 1 when the coin rose (its interval lies above the start's), the grader did not, or a log-probability differed.
set -eu
MINKE=${MINKE:-build/minke}
model=${1:?usage: tools/full/rl_controls.sh MODEL [CONFIG] [STEPS]}
config=${2:-configs/rl-countdown.toml}
steps=${3:-60}
out=${OUT:-out/rl-controls}
for reward in coin grader; do
  flag=
  [ "$reward" = coin ] && flag=--random-reward
  "$MINKE" rl "$config" --model "$model" --out "$out/$reward" --steps "$steps" $flag --fresh --json > "$out-$reward.json"
done
python3 - "$out" <<'PY'
import json
import sys

out, bad = sys.argv[1], []
for reward in ("coin", "grader"):
    run = json.load(open(f"{out}-{reward}.json"))
    lines = [json.loads(line) for line in open(f"{out}/{reward}/metrics.jsonl")]
    worst = max(line.get("policy/logp_diff_max", 0) for line in lines)
    before, after = run["before"], run["after"]
    print(f"{reward:7} {100 * before['pass1']:.1f}% {before['ci95']} -> {100 * after['pass1']:.1f}% {after['ci95']} in {run['steps']} steps, "
          f"{run['seconds']:.0f} s; largest difference of a log-probability {worst:g}")
    if worst:
        bad.append(f"{reward}: sampling and training differ")
    rose = after["ci95"][0] > before["ci95"][1]
    if rose != (reward == "grader"):
        bad.append(f"{reward}: {'rose' if rose else 'did not rise'}")
print("\n".join(bad) if bad else "controls hold")
sys.exit(bool(bad))
PY
