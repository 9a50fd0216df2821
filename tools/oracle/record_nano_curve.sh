#!/bin/sh
# Records tests/data/oracle/nano_curve.json: 20 steps of configs/nano.toml in PyTorch FP32, from minke's initial weights on minke's
# batches. To be run again when nano's config, the bundled text, the problems, the tokenizer or the initialisation change.
# usage: tools/oracle/record_nano_curve.sh   (in the repository's root, after `make build`; PYTHON names an interpreter with requirements.txt)
set -eu
python=${PYTHON:-python3}
minke=${MINKE:-build/minke}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$minke" train configs/nano.toml --steps 0 --out "$dir/initial" > /dev/null
"$minke" train configs/nano.toml --steps 20 --out "$dir/run" --dump-batches "$dir/batches" > /dev/null 2> "$dir/log" || { cat "$dir/log" >&2; exit 1; }
OMP_NUM_THREADS=1 "$python" tools/oracle/train_curve.py "$dir/initial" "$dir/batches.safetensors" "$dir/batches.json" \
  --out tests/data/oracle/nano_curve.json --compare "$dir/run/metrics.jsonl"
# One expert chosen otherwise at a near tie, and both curves part for good: such a recording would fail with the next change of rounding.
"$python" - <<'PY'
import json
margin = min(json.load(open("tests/data/oracle/nano_curve.json"))["margin"])
print(f"closest choice of experts {margin:.1e}" + ("" if margin >= 2e-6 else ": too close to rounding, give nano another [train] seed"))
PY
