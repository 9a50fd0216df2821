#!/bin/bash
# The study of results/reasoning.md: does RL on a checked answer make tiny solve more held-out problems? Families a3 (countdown-a3) and
# b3 (expressions-b3 at level 4). Each stage skips what is there; folders and rows lie in out/study.
#   tools/full/reasoning.sh base             tiny on configs/tiny-r1.toml, 10M tokens (18 minutes on one Zen 4 core)
#   tools/full/reasoning.sh cold FAMILY      10,000 traces, six passes; says what calibration pass@1 was at two thirds and at the end
#   tools/full/reasoning.sh rl FAMILY SEED   200 steps of GRPO; before and after on 512 test problems x 16; a line in results/reasoning.jsonl
#   tools/full/reasoning.sh coin FAMILY SEED the control: the same steps with a random reward
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
dir=out/study
mkdir -p $dir
steps=${STEPS:-200}

family() {
  case $1 in
    a3) task="countdown-a3"; config=configs/rl-countdown.toml; third=362 ;;
    b3) task="expressions-b3"; config=configs/rl-expressions.toml; third=316 ;;
    *) echo "family $1: expected a3 or b3" >&2; exit 2 ;;
  esac
  level=""
  [ "$1" = b3 ] && level="--level 4"
  return 0
}

score() {  # MODEL SPLIT N SAMPLES ROWS: the summary, one line of JSON
  $minke eval "$1" --task $task $level --split "$2" --n "$3" --samples "$4" --seed 1 --max-tokens 256 --cap 200 --rows "$5" --json | tail -n 1
}

case ${1:-} in
  base)
    $minke train configs/tiny-r1.toml --out $dir/base ;;
  cold)
    family "$2"
    [ -s $dir/$2.jsonl ] || $minke data problems $task $level --split train --n 10000 --seed 1 --form cold-start > $dir/$2.jsonl
    # A checkpoint at two thirds: the cold start must have stopped rising there, or RL would only finish its work.
    sed "s/^checkpoint_minutes.*/checkpoint_every = $third\nkeep_checkpoints = 3/" configs/tiny-cold.toml > $dir/cold-$2.toml
    $minke sft $dir/cold-$2.toml --model $dir/base --data $dir/$2.jsonl --out $dir/cold-$2
    at=$dir/cold-$2/checkpoints/step-$(printf %08d $((2 * third)))
    early=$(score "$at" calibration 1024 4 $dir/cold-$2-early.rows)
    late=$(score $dir/cold-$2 calibration 1024 4 $dir/cold-$2-late.rows)
    EARLY="$early" LATE="$late" FAMILY=$2 COMMIT=$(git rev-parse --short HEAD) python3 -c "
import json, os
early, late = json.loads(os.environ['EARLY']), json.loads(os.environ['LATE'])
print(json.dumps({'study': 'cold start', 'commit': os.environ['COMMIT'], 'family': os.environ['FAMILY'], 'calibration_pass1_at_two_thirds': early['pass1'],
                  'calibration_pass1': late['pass1'], 'ci95': late['ci95'], 'n': late['n'], 'samples': late['samples']}))" | tee -a results/reasoning.jsonl ;;
  rl | coin)
    family "$2"
    seed=$3
    name=$1-$2-$seed
    flags=""
    [ "$1" = coin ] && flags=--random-reward
    start=$(date +%s)
    $minke rl $config --model $dir/cold-$2 --out $dir/$name --seed "$seed" --steps "$steps" --minutes 20 $flags
    seconds=$(($(date +%s) - start))
    before=$(score $dir/cold-$2 test 512 16 $dir/cold-$2-test.rows)
    after=$(score $dir/$name test 512 16 $dir/$name-test.rows)
    BEFORE="$before" AFTER="$after" STUDY=$1 FAMILY=$2 SEED=$seed SECONDS_=$seconds COMMIT=$(git rev-parse --short HEAD) STEPS=$steps CONFIG=$config \
      MACHINE=$($minke info --json | python3 -c "import json,sys; j=json.load(sys.stdin); print(j['cpu'], j['isa'], j['threads'], 'threads')") python3 -c "
import json, os
e = os.environ
before, after = json.loads(e['BEFORE']), json.loads(e['AFTER'])
keep = lambda s: {k: s[k] for k in ('pass1', 'ci95', 'pass_k', 'cons_k', 'mean_tokens', 'abstained', 'n', 'samples')}
print(json.dumps({'study': e['STUDY'], 'commit': e['COMMIT'], 'machine': e['MACHINE'], 'config': e['CONFIG'] + ', ' + e['STEPS'] + ' steps', 'family': e['FAMILY'],
                  'seed': int(e['SEED']), 'seconds': int(e['SECONDS_']), 'before': keep(before), 'after': keep(after)}))" | tee -a results/reasoning.jsonl ;;
  *)
    sed -n '2,9p' "$0" >&2
    exit 2 ;;
esac
