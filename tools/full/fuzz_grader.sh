#!/bin/sh
# Ten million fuzzed inputs through the maths grader, on half of the processors: no crash, no hang, no step beyond the budget.
#   tools/full/fuzz_grader.sh [inputs]          MINKE_BUILD names the build folder (build)
# Prints for each process the count, the most steps spent on one verdict, the slowest verdict and the seconds.
set -eu
cd "$(dirname "$0")/../.."
inputs=${1:-10000000}
build=${MINKE_BUILD:-build}
processes=$(( ($(nproc) + 1) / 2 ))
cmake --build "$build" --target reason_grade_fuzz_test > /dev/null
pids=
for p in $(seq "$processes"); do
  MINKE_FUZZ_INPUTS=$(( inputs / processes )) MINKE_FUZZ_SEED=$p "$build/reason_grade_fuzz_test" > "$build/fuzz_grader_$p.log" 2>&1 &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
for p in $(seq "$processes"); do grep '^fuzz:' "$build/fuzz_grader_$p.log" || cat "$build/fuzz_grader_$p.log"; done
[ "$failed" = 0 ] || { echo "fuzz_grader: FAILED, see $build/fuzz_grader_*.log"; exit 1; }
echo "fuzz_grader: $inputs inputs, none crashed or hung"
