#!/bin/bash
# What `make dist` promises, measured: its size; that it answers in a root that holds nothing but itself and a model, with each set of loops
# that this machine has; on an emulated CPU without AVX-512, and without AVX at all; and the time from a cold start to the first token.
#   make dist && tools/full/dist.sh [MODEL] [TRIALS]     MODEL: dist/models/default, TRIALS: 10 of the cold start
# Needs bwrap (bubblewrap); qemu-x86_64 (qemu-user) for the emulated CPUs, or they are said to be skipped. Dropping the page cache needs root;
# without it the starts are warm, and the line says so. A JSON line per check; exit code 1 if one fails. Measure on a quiet machine.
set -eu
cd "$(dirname "$0")/../.."
model=${1:-dist/models/default} trials=${2:-10} most_ms=500 most_bytes=20000000
[ -f "$model/config.json" ] || { echo "dist.sh: no model folder at $model; name one" >&2; exit 2; }
command -v bwrap > /dev/null || { echo "dist.sh: needs bwrap: apt-get install bubblewrap" >&2; exit 2; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/models/default"
cp dist/minke "$root/"
cp "$model"/{config.json,tokenizer.json,tokenizer_config.json,*.safetensors} "$root/models/default/"
for f in "$model"/{generation_config,minke_effort}.json; do [ ! -f "$f" ] || cp "$f" "$root/models/default/"; done
failed=0
say() { echo "$1"; case $1 in *'"ok": false'*) failed=1 ;; esac; }
truth() { if "$@"; then echo true; else echo false; fi; }

bytes=$(stat -c %s dist/minke)
say "{\"check\": \"size\", \"bytes\": $bytes, \"most\": $most_bytes, \"ok\": $(truth test "$bytes" -le $most_bytes)}"

# A new root, no /proc, no /dev, no network, no variables but one. The question's answer is shown, not judged: a small model may be wrong.
question="What is 12 + 34?"
ask() {  # ISA: the answer's JSON on stdout
  env -i ${1:+MINKE_ISA=$1} bwrap --unshare-all --die-with-parent --bind "$root" / --chdir / /minke chat -p "$question" -t 0 --json
}
for isa in "" scalar avx2 avx512 avx512_bf16 amx; do
  if answer=$(ask "$isa" 2> "$root/err"); then
    say "{\"check\": \"empty root\", \"isa\": \"${isa:-best}\", \"answer\": $answer, \"ok\": true}"
  elif grep -q "does not have it" "$root/err"; then
    say "{\"check\": \"empty root\", \"isa\": \"$isa\", \"skipped\": \"this machine does not have it\"}"
  else
    say "{\"check\": \"empty root\", \"isa\": \"${isa:-best}\", \"error\": \"$(tr -d '"\\' < "$root/err" | tr '\n' ' ')\", \"ok\": false}"
  fi
done

# One instruction too new ends these with SIGILL.
for cpu in Haswell Nehalem; do
  if ! command -v qemu-x86_64 > /dev/null; then
    say "{\"check\": \"emulated CPU\", \"cpu\": \"$cpu\", \"skipped\": \"no qemu-x86_64\"}"
  elif answer=$(cd "$root" && MINKE_THREADS=1 qemu-x86_64 -cpu $cpu ./minke chat -p "$question" -t 0 --json 2> err); then
    say "{\"check\": \"emulated CPU\", \"cpu\": \"$cpu\", \"answer\": $answer, \"ok\": true}"
  else
    say "{\"check\": \"emulated CPU\", \"cpu\": \"$cpu\", \"error\": \"$(tr -d '"\\' < "$root/err" | grep -v '^qemu-x86_64: warning' | tr '\n' ' ')\", \"ok\": false}"
  fi
done

# From the start of the process to the first byte that the model wrote: `generate` prints the prompt first.
prompt="12 + 34 ="
cold=false
times=()
for _ in $(seq "$trials"); do
  if sync && { echo 3 > /proc/sys/vm/drop_caches; } 2> /dev/null; then cold=true; fi
  true | read -r _ || true  # bash's own pages are back
  begin=$EPOCHREALTIME
  exec 3< <(exec bwrap --unshare-all --die-with-parent --bind "$root" / --chdir / /minke generate -p "$prompt" -n 4 -t 0)
  IFS= read -r -N $((${#prompt} + 1)) -u 3 _
  end=$EPOCHREALTIME
  cat <&3 > /dev/null
  exec 3<&-
  times+=("$(((${end/./} - ${begin/./}) / 1000))")
done
sorted=($(printf '%s\n' "${times[@]}" | sort -n))
median=${sorted[$((trials / 2))]}
say "{\"check\": \"first token\", \"cold\": $cold, \"ms\": [$(IFS=,; echo "${sorted[*]}")], \"median\": $median, \"most\": $most_ms, \"load\": $(cut -d' ' -f1 /proc/loadavg), \"ok\": $(truth test "$median" -lt $most_ms)}"
exit $failed
