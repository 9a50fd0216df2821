#!/bin/bash
# A folder that minke trained opens in transformers and tokenizers: nothing missing, nothing unexpected but the MTP layers, the same
# ids, logits and 64 greedy tokens of ten prompts in FP32; and `convert --drop-mtp` leaves nothing unexpected.
#   tools/full/ecosystem.sh [MODEL]        without a folder: trains `tiny` for a minute first (about three minutes in all)
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
. tools/full/python.sh
model=${1:-}
if [ -z "$model" ]; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  model=$dir/tiny
  $minke train configs/tiny.toml --minutes 1 --out "$model" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
fi
began=$SECONDS
"$python" tools/oracle/ecosystem.py "$model" --minke "$minke" --text data/books/heldout/*
echo "all equal: commit $(git rev-parse --short HEAD), $((SECONDS - began)) s"
