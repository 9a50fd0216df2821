#!/bin/sh
# Installs the Debian or Ubuntu packages that are missing; does nothing, and needs no root, when none is.
# usage: tools/install.sh [test]
set -eu
packages="g++ make cmake ninja-build python3-minimal nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libsimdjson-dev libfmt-dev libxxhash-dev libzstd-dev zlib1g-dev"
if [ "${1:-}" = test ]; then packages="$packages libgtest-dev"; fi

if ! command -v dpkg-query >/dev/null 2>&1; then
  for tool in g++ cmake ninja python3; do
    command -v $tool >/dev/null 2>&1 && continue
    echo "minke: this is not Debian or Ubuntu; please install a C++20 compiler, cmake, ninja, python3 and the libraries behind these Debian names: $packages" >&2
    exit 1
  done
  exit 0
fi

missing=""
for p in $packages; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q "ok installed" || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "minke: please install as root:$missing" >&2; exit 1; }
  sudo=sudo
fi
echo "minke: installing$missing"
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
