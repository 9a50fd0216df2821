#!/bin/sh
# make run: the tour, at most ten minutes. Problems asked of the default model, and what thinking costs; `tiny` pretrained from nothing; the default
# model taught a puzzle whose rule is in no training data; what each effort buys; one page with all of it, and a prompt.
# Environment: MINUTES of it all (10), MODEL to ask and to teach (models/default), TASK to teach (puzzle; a family or your .jsonl file),
# CONFIG of pretraining (configs/tiny.toml), OUT (out: tiny-base, learn, dial.jsonl and report.html are left there), FRESH=1 starts over.
set -eu
minke=${MINKE:-build/minke}
model=${MODEL:-models/default}
task=${TASK:-puzzle}
config=${CONFIG:-configs/tiny.toml}
out=${OUT:-out}
fresh=""
if [ "${FRESH:-0}" = 1 ]; then fresh=--fresh; rm -f "$out/dial.jsonl"; fi
mkdir -p "$out"
[ -f "$model/config.json" ] || { echo "$model: no model there; runs/default.sh trains models/default, MODEL names another" >&2; exit 1; }
dim="" plain=""
[ ! -t 1 ] || { dim=$(printf '\033[2m'); plain=$(printf '\033[0m'); }

seconds() { date +%s.%N; }
began=$(seconds)
calc() { awk "BEGIN { printf \"%.2f\", $1 }"; }
share() { calc "${MINUTES:-10} * $1"; }  # minutes
stage() {
  status=0
  "$@" || status=$?
  [ $status != 130 ] || echo "Interrupted; \`make run\` goes on from here."
  return $status
}

# A question at an effort: its thinking, its answer, and the bill of both at $0.02 per core-hour.
ask() {
  from=$(seconds)
  reply=$($minke generate "$model" -p "$2" --effort "$1" --seed 1 --json)
  spent=$(calc "$(seconds) - $from")
  text() { printf '%s' "$reply" | sed -n "s/.*\"$1\":\"\\(.*\\)\",\"$2\":.*/\\1/p" | sed 's/\\n/\n/g; s/\\"/"/g; s/\\\\/\\/g'; }
  number() { printf '%s' "$reply" | sed -n "s/.*\"effort\":{.*\"$1\":\\([0-9]*\\).*/\\1/p"; }
  { text thinking answer | sed "/^\$/d; s/.*/$dim&$plain/"
    text answer effort | sed 's/^\\boxed{\(.*\)}$/\1/' | tr '\n' ' '
    printf '  %s(%s tokens of thinking%s, %s s with loading: $%s)%s\n' "$dim" "$(number thinking)" "$(number samples | sed '/^1$/d; s/..*/, & samples/')" "$spent" \
      "$(awk "BEGIN { printf \"%.7f\", $spent * ${MINKE_THREADS:-$(nproc)} / 3600 * 0.02 }")" "$plain"
  } | sed "1s/^/$(printf '  %-5s ' "$1")/; 1!s/^/        /"
}

echo "== 1 of 4. Ask: three problems at three efforts"
for problem in "What is 4821 - 1937?=2884" "Compute (5 * 6 - 3 + 8 * 7) mod 97.=83" "Use 14, 23 and 11 once each to make 26.=23 + 14 - 11"; do
  echo
  echo "${problem%=*}   $dim(a right answer is ${problem##*=})$plain"
  for effort in off high max; do ask $effort "${problem%=*}"; done
done

echo
echo "== 2 of 4. Pretrain: such a model from nothing, on books and generated problems"
stage $minke train "$config" --out "$out/tiny-base" --minutes "$(share 0.15)" $fresh
echo
$minke generate "$out/tiny-base" -p "Once upon a time there was a" --max-tokens 40 --temperature 0.7 --top-p 0.95 --seed 7 2> /dev/null

echo
echo "== 3 of 4. Learn: $task, told only which answers are right"
case $task in
  *.jsonl) head -n 3 "$task" ;;
  *) $minke data problems "$task" --split train --n 3 --seed 1 | sed 's/.*"prompt":"\([^"]*\)","gold":"\([^"]*\)".*/  \1   (\2)/' ;;
esac
# A model too weak for the task gets a constant reward, which ends learn with an error. The rest of the tour is worth showing all the same; any
# other error ends it.
status=0
stage $minke learn "$task" --model "$model" --out "$out/learn" --minutes "$(share 0.6)" $fresh < /dev/null 2> "$out/learn.err" || status=$?
cat "$out/learn.err" >&2
[ $status = 0 ] || { [ $status = 1 ] && grep -q "so there is nothing to learn from" "$out/learn.err"; } || exit $status

echo
echo "== 4 of 4. The dial: what thinking buys the default model, every token counted"
tasks="--task digits-b1:2-4 --task expressions-b3:2-5 --task countdown-a3"
if [ ! -s "$out/dial.jsonl" ]; then
  # As many problems as fit the time: a few are timed first.
  from=$(seconds)
  stage $minke dial curve "$model" $tasks --n 4 --json > /dev/null
  problems=$(awk "BEGIN { now = $(seconds); total = ${MINUTES:-10} * 60; one = (now - $from) / 4; most = 0.95 * total - (now - $began); share = 0.15 * total - (now - $from)
    n = int((share < most ? share : most) / one); print (n < 4 ? 4 : (n > 200 ? 200 : n)) }")
  stage $minke dial curve "$model" $tasks --n "$problems" --seed 2 --json > "$out/dial.part"
  mv "$out/dial.part" "$out/dial.jsonl"
fi
sed 's/.*"effort":"\([^"]*\)","price":\([^,]*\),"n":\([0-9]*\),"accuracy":\([^,]*\),.*"tokens":\([^,]*\),"samples":\([^,]*\),.*/\1 \2 \3 \4 \5 \6/' "$out/dial.jsonl" |
  awk 'NR == 1 { printf "  of %d problems     right   tokens  samples\n", $3 } { printf "  %-8s %-9s %6.1f%%  %7.1f  %7.1f\n", $1, $2 == "null" ? "" : sprintf("%.1e", $2), 100 * $4, $5, $6 }'

echo
$minke report "$out/tiny-base" "$out/learn" "$out/dial.jsonl" --out "$out/report.html" --title "Minke's tour: pretraining, a puzzle, the dial, the bill"
echo "$(awk "BEGIN { printf \"%.1f\", ($(seconds) - $began) / 60 }") minutes.   All of it on one page: $out/report.html   Teach it yours: $minke learn PROBLEMS.jsonl   Again: FRESH=1 make run"
if [ -t 0 ] && [ -t 1 ]; then
  exec $minke chat "$out/learn"
fi
