#!/bin/bash
# FP8 folders that minke writes: codes and scales are PyTorch's, partial blocks included, and transformers loads them dequantised with our
# logits (tools/oracle/fp8_folder.py). Trains two models for 20 steps first: nano, whose matrices leave partial blocks everywhere, and one
# whose every quantised dimension is a multiple of 128, kv_lora_rank + qk_rope_head_dim too, as transformers needs.
#   tools/full/fp8_folder.sh        a minute or two on a quiet machine
set -eu
cd "$(dirname "$0")/../.."
minke=${MINKE_BINARY:-build/minke}
. tools/full/python.sh
began=$SECONDS
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed -e 's/^hidden_size = .*/hidden_size = 256/' -e 's/^intermediate_size = .*/intermediate_size = 256/' -e 's/^moe_intermediate_size = .*/moe_intermediate_size = 128/' \
  -e 's/^num_attention_heads = .*/num_attention_heads = 2/' -e 's/^q_lora_rank = .*/q_lora_rank = 128/' -e 's/^kv_lora_rank = .*/kv_lora_rank = 128/' \
  -e 's/^qk_nope_head_dim = .*/qk_nope_head_dim = 64/' -e 's/^qk_rope_head_dim = .*/qk_rope_head_dim = 128/' -e 's/^v_head_dim = .*/v_head_dim = 64/' \
  configs/nano.toml > "$dir/whole.toml"
train() {
  $minke train "$1" --out "$2" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
}
train "$dir/whole.toml" "$dir/whole"
train configs/nano.toml "$dir/nano"
"$python" tools/oracle/fp8_folder.py "$dir/whole" --minke "$minke" --transformers
"$python" tools/oracle/fp8_folder.py "$dir/nano" --minke "$minke"
echo "all equal: commit $(git rev-parse --short HEAD), $((SECONDS - began)) s"
