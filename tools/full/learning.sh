#!/bin/bash
# The loss curve of `tiny` in BF16 against the same model in PyTorch under bfloat16 autocast: the first 300 steps of a `make run` budget,
# from the same initial weights (the BF16 folder of --steps 0, so that both sides start from what is stored) on the same batches. The
# means over 20 steps, main head and MTP, must agree within 1%. Appends a line to results/learning.jsonl either way.
#   tools/full/learning.sh [SEED]        about ten minutes on two quiet Zen 4 cores, most of them PyTorch's
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
. tools/full/python.sh
seed=${1:-1}
tokens=6270976  # what eight minutes of training take on two quiet Zen 4 cores: the warm-up belongs to the curve
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
commit=$(git rev-parse --short HEAD)
{
  $minke train configs/tiny.toml --tokens $tokens --seed "$seed" --steps 0 --out "$dir/initial" &&
    $minke train configs/tiny.toml --tokens $tokens --seed "$seed" --init "$dir/initial" --steps 300 --out "$dir/run" --dump-batches "$dir/batches"
} > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
status=0
"$python" tools/oracle/train_curve.py "$dir/initial" "$dir/batches.safetensors" "$dir/batches.json" --dtype bf16-autocast \
  --out "$dir/curve.json" --compare "$dir/run/metrics.jsonl" --window 20 --tolerance 0.01 || status=$?
[ -s "$dir/curve.json" ] || exit 1
tools/full/learning_row.py "$dir/curve.json" "$dir/run/metrics.jsonl" --commit "$commit" --seed "$seed" \
  --machine "$($minke info --json | python3 -c "import json,sys; j=json.load(sys.stdin); print(j['cpu'], j['isa'], j['threads'], 'threads')")" \
  >> results/learning.jsonl
exit $status
