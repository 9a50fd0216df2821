#!/bin/sh
# The model in models/default, from nothing: pretraining, cold start, RL, MTP taught once more on the model's own answers, and the dial
# calibrated. Every stage ends in a folder that the next starts from and goes on where it stopped; FRESH=1 starts over.
# Environment: MINUTES of each of the three stages (40; by the machine's speed; 0: the tokens and steps of the configs), OUT (out/default).
set -eu
minke=${MINKE:-build/minke}
out=${OUT:-out/default}
minutes=${MINUTES:-40}
[ "${FRESH:-0}" = 1 ] && rm -rf "$out"
mkdir -p "$out"
budget=""
[ "$minutes" = 0 ] || budget="--minutes $minutes"

echo "== 1. Pretraining: a little prose, many problems with noisy traces"
$minke train configs/default.toml --out "$out/base" $budget

echo "== 2. Cold start: answers in form, thoughts that keep a pace"
traces="$out/paced.jsonl"
if [ ! -s "$traces" ]; then
  # FAMILY LEVEL EXAMPLES
  while read -r family level n; do
    $minke data problems "$family" --level "$level" --split train --n "$n" --seed 1 --form paced
  done > "$traces.part" <<'LIST'
countdown-a1 1 2000
countdown-a2 2 10000
countdown-a3 3 64000
countdown-a4 4 6000
digits-b1 1 4000
digits-b1 2 7000
digits-b1 3 12000
digits-b1 4 23000
expressions-b3 2 9000
expressions-b3 3 15000
expressions-b3 4 29000
expressions-b3 5 11000
words 1 13000
words 2 14000
words 3 8000
words 4 3000
registers-b5 2 1600
registers-b5 3 2100
registers-b5 4 1600
products-b2 1 1600
products-b2 2 2900
products-b2 3 2900
signs-b7 2 6000
signs-b7 3 9000
signs-b7 4 5000
equations-b4 1 1300
equations-b4 2 1000
units-b6 1 1100
LIST
  mv "$traces.part" "$traces"
fi
$minke sft configs/default-cold.toml --model "$out/base" --data "$traces" --out "$out/cold" $budget
# From here on the folders say that the model reads paces; RL hands it on.
printf '{"full_budget": 256, "tag": true}\n' > "$out/cold/minke_effort.json"

echo "== 3. RL: only whether the answer is right"
$minke rl configs/default-rl.toml --model "$out/cold" --out "$out/rl" $budget

echo "== 4. MTP on the model's own answers, the rest as it is"
for task in expressions-b3 countdown-a3 digits-b1 words; do
  case $task in
    expressions-b3 | digits-b1) level="--level 4" ;;
    *) level="" ;;
  esac
  $minke sample "$out/rl" --task $task $level --n 1500 --samples 4 --most 2 --out "$out/answers-$task.jsonl"
done
$minke sft configs/default-mtp.toml --model "$out/rl" --data "$out"/answers-*.jsonl --out "$out/mtp"
cp "$out/rl/minke_effort.json" "$out/mtp/"
$minke dial calibrate "$out/mtp" --task digits-b1:2-4 --task expressions-b3:2-5 --task countdown-a3 --task words --n 800
