#!/bin/sh -e
# The engine against one-at-a-time runs and the training forward, bit for bit: random schedules per dtype and variant of this machine.
# usage: tools/full/engine_schedules.sh [N] (1000: about 3 minutes on 2 idle cores)
#        tools/full/engine_schedules.sh --tsan [N] (24, under ThreadSanitizer in a build of its own: about 10 minutes, most of it building)
cd "$(dirname "$0")/../.."
build=build flags=
if [ "$1" = --tsan ]; then
  shift
  build=build-tsan flags=-DMINKE_SANITIZE=thread
  set -- "${1:-24}"
fi
cmake -S . -B $build -G Ninja $flags > /dev/null
cmake --build $build --target infer_schedule_test
commit=$(git rev-parse --short HEAD)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
echo "commit $commit, $cpu, $(nproc) cores"
MINKE_SCHEDULES=${1:-1000} TSAN_OPTIONS=halt_on_error=1 $build/infer_schedule_test | grep -E "schedules|Failure|request|FAILED|PASSED"
