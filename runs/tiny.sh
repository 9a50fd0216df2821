#!/bin/sh
# make run: from text to a model that learnt from right and wrong alone, in ten minutes. It trains `tiny` on the bundled text, lets it continue
# sentences, shows it the form of an answer (cold start), and lets it practise one puzzle by GRPO: held-out problems solved before and after.
# Environment: MINUTES of it all (10), CONFIG of pretraining (configs/tiny.toml), RL_CONFIG (configs/tiny-rl.toml), OUT (out/tiny; the
# stages before lie in out/tiny-base and out/tiny-cold), FRESH=1 starts over. TOKENS, COLD_TOKENS and RL_STEPS fix the stages' budgets.
set -eu
minke=${MINKE:-build/minke}
config=${CONFIG:-configs/tiny.toml}
rl=${RL_CONFIG:-configs/tiny-rl.toml}
out=${OUT:-out/tiny}
task="expressions-b3 --level 2"
base=$out-base
cold=$out-cold
fresh=""
[ "${FRESH:-0}" = 1 ] && fresh=--fresh

minutes() { awk "BEGIN { printf \"%.2f\", ${MINUTES:-10} * $1 }"; }  # a stage's share of the time
stage() {
  status=0
  "$@" || status=$?
  [ $status != 130 ] || echo "Interrupted; \`make run\` goes on from here."
  return $status
}

echo "== 1 of 3. Pretraining on books and generated problems"
if [ -n "${TOKENS:-}" ]; then budget="--tokens $TOKENS"; else budget="--minutes $(minutes 0.36)"; fi
stage $minke train "$config" --out "$base" $budget $fresh
$minke curves "$base" --out "$base/curves.svg"
echo
echo "A base model continues text; it does not chat. Three continuations:"
for prompt in "Once upon a time there was a" "\"You see, Watson,\" said" "17 + 25 ="; do
  echo
  $minke generate "$base" -p "$prompt" --max-tokens 48 --temperature 0.7 --top-p 0.95 --seed 7 2>/dev/null
done

echo
echo "== 2 of 3. Cold start: how such a problem is worked through, from 10,000 traces that slip and give up"
$minke data problems $task --split train --n 10000 --seed 1 --form cold-start > "$base/traces.part"
mv "$base/traces.part" "$base/traces.jsonl"
if [ -n "${COLD_TOKENS:-}" ]; then budget="--tokens $COLD_TOKENS"; else budget="--minutes $(minutes 0.31)"; fi
stage $minke sft configs/tiny-cold.toml --model "$base" --data "$base/traces.jsonl" --out "$cold" $budget $fresh

echo
echo "== 3 of 3. GRPO: the model samples, and is told only whether the answer is right"
if [ -n "${RL_STEPS:-}" ]; then budget="--steps $RL_STEPS"; else budget="--minutes $(minutes 0.2)"; fi
# A model too weak for the puzzle gets a constant reward, which `minke rl` ends with an error. What was pretrained is worth showing all the
# same; any other error ends the run.
status=0
stage $minke rl "$rl" --model "$cold" --out "$out" $budget $fresh 2> "$cold/rl.err" || status=$?
cat "$cold/rl.err" >&2
[ $status = 0 ] || { [ $status = 1 ] && grep -q "so there is nothing to learn from" "$cold/rl.err"; } || exit $status
$minke curves "$out" --out "$out/curves.svg"

echo
echo "Curves: $base/curves.svg, $out/curves.svg   Ask it: $minke chat $out   Teach it: $minke learn PROBLEMS.jsonl --model $out   Again: FRESH=1 make run"
if [ -t 0 ] && [ -t 1 ]; then
  exec $minke chat "$out"
fi
