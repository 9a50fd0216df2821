#!/bin/sh
# make run: trains `tiny` on the bundled text, shows what it learned, and lets it continue a sentence.
# Environment: MINUTES of training or TOKENS (the config says 8 minutes), CONFIG (configs/tiny.toml), OUT (out/tiny), FRESH=1 starts over.
set -eu
minke=${MINKE:-build/minke}
config=${CONFIG:-configs/tiny.toml}
out=${OUT:-out/tiny}
budget=""
[ -n "${MINUTES:-}" ] && budget="--minutes $MINUTES"
[ -n "${TOKENS:-}" ] && budget="--tokens $TOKENS"
fresh=""
[ "${FRESH:-0}" = 1 ] && fresh=--fresh

status=0
$minke train "$config" --out "$out" $budget $fresh || status=$?
[ $status = 130 ] && { echo "Interrupted; \`make run\` goes on from here."; exit 130; }
[ $status = 0 ] || exit $status
$minke curves "$out" --out "$out/curves.svg"

echo
echo "A base model continues text; it does not chat. Three continuations:"
for prompt in "Once upon a time there was a" "\"You see, Watson,\" said" "17 + 25 ="; do
  echo
  $minke generate "$out" -p "$prompt" --max-tokens 48 --temperature 0.7 --top-p 0.95 --seed 7 2>/dev/null
done
echo
echo "Curves: $out/curves.svg   Again: FRESH=1 make run   Your own text: see README.md"
if [ -t 0 ] && [ -t 1 ]; then
  exec $minke generate "$out" --interactive --max-tokens 96 --temperature 0.7 --top-p 0.95
fi
