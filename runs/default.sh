#!/bin/sh
# The model in models/default, from nothing: pretraining, cold start, RL, MTP taught once more on the model's own answers, and the dial
# calibrated. Every stage ends in a folder that the next starts from and goes on where it stopped; FRESH=1 starts over.
# Environment: MINUTES of each of the first three stages (40; by the machine's speed; 0: the tokens and steps of the configs), OUT (out/default).
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
countdown-a1 1 3800
countdown-a2 2 19000
countdown-a3 3 98800
countdown-a4 4 11400
digits-b1 1 7600
digits-b1 2 17100
digits-b1 3 22800
digits-b1 4 43700
expressions-b3 2 17100
expressions-b3 3 28500
expressions-b3 4 55100
expressions-b3 5 20900
words 1 26600
words 2 38000
words 3 34200
words 4 19000
registers-b5 2 3000
registers-b5 3 4000
registers-b5 4 3000
products-b2 1 3000
products-b2 2 5500
products-b2 3 5500
signs-b7 2 11400
signs-b7 3 17100
signs-b7 4 9500
equations-b4 1 2500
equations-b4 2 1900
units-b6 1 2100
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
echo "The model: $out/mtp (minke chat $out/mtp). models/default is such a folder without checkpoints, metrics.jsonl and run.json."
