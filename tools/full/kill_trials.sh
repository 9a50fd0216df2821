#!/bin/bash
# Twenty SIGKILLs at random moments of a nano run, then the final weights are compared byte for byte with an uninterrupted run's.
#   tools/full/kill_trials.sh [KILLS] [SEED]
# Every second kill waits for a write (a *.writing or *.tmp-PID folder) and strikes within it, the last quarter at the end of the run,
# where the finished model is put in place; every fifth strikes while it starts. Ends with one line; exit code 0 if nothing differs. About two minutes.
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
kills=${1:-20}
RANDOM=${2:-2026}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
steps=60
sed -e 's/^tokens = .*/tokens = 15360/' -e 's/^batch_sequences = .*/batch_sequences = 4/' -e 's/^checkpoint_every = .*/checkpoint_every = 5/' \
    -e 's/^eval_tokens = .*/eval_tokens = 256/' configs/nano.toml > "$dir/nano.toml"
begin=$(date +%s)

start() { "$minke" train "$dir/nano.toml" --out "$dir/$1" > "$dir/log" 2>&1; }
start alone || { cat "$dir/log"; exit 1; }

lines() { wc -l 2>/dev/null < "$dir/run/metrics.jsonl" || echo 0; }
writing() { compgen -G "$dir/run/checkpoints/*.writing*" > /dev/null || compgen -G "$dir/run.tmp-*" > /dev/null; }
pause() { sleep "0.0$(printf %02d $((RANDOM % $1)))"; }

struck=0 in_writing=0 at_end=0 resumed=0
while [ $struck -lt "$kills" ]; do
  # A finished run begins again: more moments to strike.
  if grep -q "\"finished_steps\": $steps" "$dir/run/run.json" 2>/dev/null; then
    cmp -s "$dir/run/model.safetensors" "$dir/alone/model.safetensors" || { echo "kill_trials: FAILED, the weights differ after $struck kills"; exit 1; }
    rm -rf "$dir/run"
  fi
  "$minke" train "$dir/nano.toml" --out "$dir/run" > "$dir/log" 2>&1 &
  pid=$!
  if [ $((struck % 5)) = 0 ]; then
    pause 99  # while it starts
  else
    # From here on the metrics are cut to the restored step and leftovers are gone.
    until grep -q "^budget" "$dir/log" || ! kill -0 $pid 2>/dev/null; do sleep 0.002; done
    pause 20
    goal=$(( $(lines) + 1 + RANDOM % (steps / 4) ))
    if [ $((struck * 4)) -ge $((kills * 3)) ] || [ $goal -gt $steps ]; then goal=$steps; fi
    until [ "$(lines)" -ge $goal ] || ! kill -0 $pid 2>/dev/null; do sleep 0.002; done
    if [ $((struck % 2)) = 0 ]; then until writing || ! kill -0 $pid 2>/dev/null; do :; done; fi
    pause 30
  fi
  # Where it stands at the moment of the kill: stopped first, so that what is seen is what is struck.
  kill -STOP $pid 2>/dev/null || true
  now_writing=0; if writing; then now_writing=1; fi
  now_end=0; if [ "$(lines)" -ge $steps ]; then now_end=1; fi
  kill -KILL $pid 2>/dev/null || true
  code=0; wait $pid 2>/dev/null || code=$?
  if grep -q "^resumed" "$dir/log"; then resumed=$((resumed + 1)); fi
  if [ $code = 137 ]; then
    struck=$((struck + 1)) in_writing=$((in_writing + now_writing)) at_end=$((at_end + now_end))
  elif [ $code != 0 ]; then
    echo "kill_trials: FAILED, exit code $code after $struck kills:"; cat "$dir/log"; exit 1
  fi
done
start run || { echo "kill_trials: FAILED to finish after $struck kills:"; cat "$dir/log"; exit 1; }
verdict="same bytes" result=0
cmp -s "$dir/run/model.safetensors" "$dir/alone/model.safetensors" || { verdict="FAILED: the final weights differ"; result=1; }
if compgen -G "$dir/run.tmp-*" > /dev/null || compgen -G "$dir/run/checkpoints/*.*" > /dev/null; then verdict="FAILED: leftovers stay"; result=1; fi
echo "kill_trials: $struck SIGKILLs, $in_writing during a write, $at_end at the end of the run, $resumed resumes, $(($(date +%s) - begin)) s: $verdict"
exit $result
