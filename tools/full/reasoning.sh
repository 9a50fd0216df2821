#!/bin/bash
# The study of results/reasoning.md: does RL on a checked answer make tiny solve more held-out problems? Families a3 (countdown-a3) and
# b3 (expressions-b3 at level 4). Each stage skips what is there; folders and rows lie in out/study; lines go to results/reasoning.jsonl.
#   tools/full/reasoning.sh base FAMILY        the base: a3 configs/tiny-r1.toml, b3 configs/tiny.toml with 8M tokens (15 to 20 minutes on one Zen 4 core)
#   tools/full/reasoning.sh cold FAMILY        a3 10,000 traces, 12 passes; b3 5,000, 18 passes; calibration pass@1 at two thirds and at the end
#   tools/full/reasoning.sh rl FAMILY SEED     GRPO, the steps of its config ($STEPS: others); before and after on 512 test problems x 16
#   tools/full/reasoning.sh more FAMILY SEED   the same minutes ($MINUTES, 7) spent on more passes over the same traces
#   tools/full/reasoning.sh reject FAMILY SEED the same minutes spent on rejection sampling: two thirds on answers, the rest on learning the right ones
#   tools/full/reasoning.sh coin FAMILY SEED   the control: the same steps with a random reward
#   tools/full/reasoning.sh harder FAMILY SEED the RL model of that seed, and its cold start, on the levels above
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
dir=out/study
mkdir -p $dir
stage=${1:-}
family=${2:-}
seed=${3:-1}
commit=${COMMIT:-$(git rev-parse --short HEAD)}
start=$SECONDS

case $family in
  a3) task="countdown-a3"; config=configs/rl-countdown.toml; traces=10000 epochs=12 above="countdown-a4 countdown-a5" ;;
  b3) task="expressions-b3 --level 4"; config=configs/rl-expressions.toml; traces=5000 epochs=18 above="expressions-b3:5 expressions-b3:6 expressions-b3:8" ;;
  *) sed -n '2,10p' "$0" >&2; exit 2 ;;
esac
cold=$dir/cold-$family
minutes=${MINUTES:-7}
rows=$dir/rows
mkdir -p $rows

score() {  # MODEL SPLIT N SAMPLES NAME [TASK]: the summary, one line of JSON; the rows in $rows/NAME
  $minke eval "$1" --task ${6:-$task} --split "$2" --n "$3" --samples "$4" --seed 1 --max-tokens 256 --cap 200 --rows "$rows/$5" --json | tail -n 1
}

# append STUDY CONFIG NAME=SUMMARY...: a line of results/reasoning.jsonl
append() {
  study=$1 what=$2
  shift 2
  STUDY=$study CONFIG=$what FAMILY=$family SEED=$seed COMMIT=$commit TOOK=$((SECONDS - start)) LEARNT=${learnt:-0} \
    MACHINE=$($minke info --json | python3 -c "import json,sys; j=json.load(sys.stdin); print(j['cpu'], j['isa'], j['threads'], 'threads')") python3 - "$@" <<'PY' | tee -a results/reasoning.jsonl
import json, os, sys
e = os.environ
keep = ("pass1", "ci95", "pass_k", "cons_k", "mean_tokens", "abstained", "n", "samples")
line = {"study": e["STUDY"], "commit": e["COMMIT"], "machine": e["MACHINE"], "config": e["CONFIG"], "family": e["FAMILY"], "seed": int(e["SEED"]),
        "seconds": int(e["LEARNT"]) or int(e["TOOK"])}
for pair in sys.argv[1:]:
    name, text = pair.split("=", 1)
    summary = json.loads(text)
    line[name] = {k: summary[k] for k in keep}
print(json.dumps(line))
PY
}

test_of() { score "$1" test 512 16 "$2"; }

case $stage in
  base)
    case $family in
      a3) $minke train configs/tiny-r1.toml --out $dir/base-a3 ;;
      b3) $minke train configs/tiny.toml --tokens 8000000 --out $dir/base-b3 ;;
    esac ;;
  cold)
    [ -s $dir/$family.jsonl ] || $minke data problems $task --split train --n $traces --seed 1 --form cold-start > $dir/$family.jsonl
    # A checkpoint at two thirds: the cold start must have stopped rising there, or RL would only finish its work.
    $minke sft configs/tiny-cold.toml --epochs $epochs --model $dir/base-$family --data $dir/$family.jsonl --out $cold --steps 1 > /dev/null
    third=$(python3 -c "import json; print(json.load(open('$cold/run.json'))['steps'] // 3)")
    sed "s/^checkpoint_minutes.*/checkpoint_every = $third\nkeep_checkpoints = 4/" configs/tiny-cold.toml > $dir/cold-$family.toml
    $minke sft $dir/cold-$family.toml --epochs $epochs --model $dir/base-$family --data $dir/$family.jsonl --out $cold
    learnt=$((SECONDS - start))
    append "cold start" "configs/tiny-cold.toml, $traces traces, $epochs passes" "two_thirds=$(score $cold/checkpoints/step-$(printf %08d $((2 * third))) calibration 1024 4 cold-$family-early)" \
      "end=$(score $cold calibration 1024 4 cold-$family-late)" ;;
  rl | coin)
    name=$stage-$family-$seed
    flags=""
    [ $stage = coin ] && flags=--random-reward
    $minke rl $config --model $cold --out $dir/$name --seed "$seed" ${STEPS:+--steps $STEPS} $flags
    learnt=$(python3 -c "import json; print(int(max(json.loads(l).get('time/total', 0) for l in open('$dir/$name/metrics.jsonl'))))")
    append $stage "$config${STEPS:+, $STEPS steps}" "before=$(test_of $cold cold-$family)" "after=$(test_of $dir/$name $name)" ;;
  more)
    # At the rate the cold start ended with; a schedule that starts over would first undo what it learnt.
    sed "s/^epochs.*/minutes = $minutes/; s/^lr = .*/lr = 1e-4/" configs/tiny-cold.toml > $dir/more.toml
    name=$stage-$family-$seed
    $minke sft $dir/more.toml --model $cold --data $dir/$family.jsonl --seed "$seed" --out $dir/$name
    learnt=$((SECONDS - start))
    append $stage "configs/tiny-cold.toml, lr 1e-4, $minutes minutes" "before=$(test_of $cold cold-$family)" "after=$(test_of $dir/$name $name)" ;;
  reject)
    # As many problems as two thirds of the minutes sample: measured on a first thousand, which count.
    name=$stage-$family-$seed
    draw() { $minke sample $cold --task $task --n "$1" --samples 16 --most 4 --seed "$seed" --cap 200 --out $dir/$name.jsonl --json; }
    draw 1000 > /dev/null
    took=$((SECONDS - start))
    draw $((minutes * 40 * 1000 / (took > 0 ? took : 1)))
    left=$(python3 -c "print(max(0.5, $minutes - ($SECONDS - $start) / 60))")
    sed "s/^epochs.*/minutes = $left/; s/^lr = .*/lr = 1e-4/; s/^decay_from.*/decay_from = 0.6/; s/^decay_until.*/decay_until = 1.0/; s/^lr_final.*/lr_final = 2e-5/" configs/tiny-cold.toml > $dir/$name.toml
    $minke sft $dir/$name.toml --model $cold --data $dir/$name.jsonl --seed "$seed" --out $dir/$name
    learnt=$((SECONDS - start))
    append $stage "minke sample x 16, then minke sft, lr 1e-4 to 2e-5, $minutes minutes" "before=$(test_of $cold cold-$family)" "after=$(test_of $dir/$name $name)" ;;
  harder)
    for t in $above; do
      level=""
      [ "$t" != "${t#*:}" ] && level="--level ${t#*:}"
      append harder "${t%:*} $level" "before=$(score $cold test 512 4 cold-$family-$t "${t%:*} $level")" \
        "after=$(score $dir/rl-$family-$seed test 512 4 rl-$family-$seed-$t "${t%:*} $level")"
    done ;;
  *) sed -n '2,10p' "$0" >&2; exit 2 ;;
esac
