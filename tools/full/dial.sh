#!/bin/sh
# What the dial promises, measured on a model: calibrates `auto` (or keeps its table), records samples of every effort on held-out problems and
# judges them with tools/full/dial_study.py.
#   tools/full/dial.sh MODEL          (a model of 7.5M parameters: about 5 minutes a family on one core)
# TASKS     families, NAME or NAME:LEVEL-LEVEL; together they are the mixed-level test
# SINGLE    one level of one of them, NAME:LEVEL
# N, CAL    problems of a family on the test split, and on the calibration split
# SEED      of the test; KEEP=1 leaves minke_effort.json as it is
# Files of an earlier run in OUT are used again. Appends the study and the curve's lines to RESULTS where that is set. Exit 1 where a claim fails.
set -eu
MINKE=${MINKE:-build/minke}
model=${1:?usage: tools/full/dial.sh MODEL}
tasks=${TASKS:-digits-b1:2-4 expressions-b3:2-5 countdown-a3 words}
single=${SINGLE:-expressions-b3:3}
n=${N:-2000} cal=${CAL:-800} seed=${SEED:-1}
out=${OUT:-out/dial}
mkdir -p "$out"

flags=
for task in $tasks; do flags="$flags --task $task"; done
if [ ! -f "$out/calibration.jsonl" ]; then
  if [ "${KEEP:-0}" = 1 ]; then
    "$MINKE" dial curve "$model" $flags --split calibration --n "$cal" --seed 1 --save "$out/calibration.tmp" > /dev/null
  else
    "$MINKE" dial calibrate "$model" $flags --n "$cal" --seed 1 --save "$out/calibration.tmp"
  fi
  mv "$out/calibration.tmp" "$out/calibration.jsonl"
elif [ "${KEEP:-0}" != 1 ]; then
  "$MINKE" dial calibrate "$model" --from "$out/calibration.jsonl"
fi

record() {  # NAME TASK: samples on the test split
  [ -f "$out/$1.jsonl" ] && return
  "$MINKE" dial curve "$model" --task "$2" --n "$n" --seed "$seed" --save "$out/$1.tmp" > /dev/null
  mv "$out/$1.tmp" "$out/$1.jsonl"
}
settings() {  # NAME [--no-checker]
  "$MINKE" dial curve "$model" --from "$out/$1.jsonl" --settings "$out/$1.settings" --json ${2:-} > "$out/$1.curve"
}

families=
for task in $tasks; do
  record "$task" "$task"
  settings "$task"
  families="$families --family $out/$task.settings"
done
for task in $tasks; do cat "$out/$task.jsonl"; done > "$out/mixed.jsonl"
family=${single%:*} level=${single##*:}
record single "$single"
grep -F "\"family\":\"$family\",\"level\":$level," "$out/calibration.jsonl" > "$out/calibration-single.jsonl"
for set in mixed calibration calibration-single single; do settings "$set" --no-checker; done

status=0
python3 tools/full/dial_study.py $families --mixed "$out/calibration.settings" "$out/mixed.settings" --single "$out/calibration-single.settings" "$out/single.settings" \
  --json "$out/study.json" || status=$?
if [ -n "${RESULTS:-}" ]; then
  commit=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
  for set in $tasks mixed single; do
    sed "s|^{|{\"set\":\"$set\",\"commit\":\"$commit\",\"model\":\"$model\",\"seed\":$seed,|" "$out/$set.curve"
  done >> "$RESULTS"
  sed "s|^{|{\"set\":\"study\",\"commit\":\"$commit\",\"model\":\"$model\",\"seed\":$seed,|" "$out/study.json" >> "$RESULTS"
fi
exit $status
