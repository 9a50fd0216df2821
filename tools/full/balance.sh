#!/bin/bash
# Expert balance of `tiny` with bias updates and with neither bias nor sequence loss: 2M tokens a run, then loss and MaxVio per MoE
# layer over 262,144 held-out tokens of the training mixture. A line a run is appended to results/balance.jsonl.
#   tools/full/balance.sh [SEED ...]        about two minutes a run on two quiet Zen 4 cores
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
machine=$($minke info --json | python3 -c "import json,sys; j=json.load(sys.stdin); print(j['cpu'], j['isa'], j['threads'], 'threads')")
[ $# -gt 0 ] || set -- 1 2 3
for seed in "$@"; do
  for kind in bias neither; do
    flags=""
    [ $kind = neither ] && flags="--gamma 0 --balance-alpha 0"
    $minke train configs/tiny.toml --tokens 2000000 --seed "$seed" $flags --out "$dir/$kind-$seed" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
    $minke eval "$dir/$kind-$seed" --mixture configs/tiny.toml --tokens 262144 --json |
      KIND=$kind SEED=$seed MACHINE="$machine" COMMIT=$(git rev-parse --short HEAD) python3 -c "
import json, os, sys
j = json.load(sys.stdin)
v = j['max_vio']
print(json.dumps({'study': 'balance', 'commit': os.environ['COMMIT'], 'machine': os.environ['MACHINE'], 'config': 'tiny, 2M tokens, ' + os.environ['KIND'],
                  'seed': int(os.environ['SEED']), 'loss': j['loss'], 'bits_per_byte': j['bits_per_byte'], 'max_vio': v,
                  'max_vio_mean': sum(v) / len(v), 'max_vio_worst': max(v)}))" | tee -a results/balance.jsonl
  done
done
