#!/bin/sh
# Ten million fuzzed inputs through the maths grader, in 40 rounds on half of the processors: no crash, no hang, no step beyond the budget.
#   tools/full/fuzz_grader.sh [inputs]          MINKE_BUILD names the build folder (build)
# Prints for each round the counts, the most steps spent on one verdict, the slowest verdict and the seconds.
set -eu
cd "$(dirname "$0")/../.."
inputs=${1:-10000000}
build=${MINKE_BUILD:-build}
rounds=40
processes=$(( ($(nproc) + 1) / 2 ))
cmake --build "$build" --target reason_grade_fuzz_test > /dev/null
each=$(( (inputs + rounds - 1) / rounds ))
seq "$rounds" | xargs -P "$processes" -I ROUND sh -c '
  log="$1/fuzz_grader_ROUND.log"
  if MINKE_FUZZ_INPUTS=$2 MINKE_FUZZ_SEED=1ROUND "$1/reason_grade_fuzz_test" > "$log" 2>&1; then
    grep -a "^fuzz:" "$log"
  else
    tail -n 20 "$log"
    echo "fuzz_grader: round ROUND FAILED, see $log"
    exit 255
  fi' sh "$build" "$each"
echo "fuzz_grader: $(( each * rounds )) inputs, none crashed or hung"
