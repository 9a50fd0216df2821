#!/bin/sh
# Builds dist/: minke as one static file of at most 20 MB, and the default model beside it. The folder runs wherever the kernel is Linux on x86-64:
# nothing is read but the model (no /proc, no libraries, no terminfo), and loops are chosen by what the CPU has.
# usage: tools/dist.sh [FOLDER]     FOLDER: dist
# STATIC_SOURCES=DIR: fmt's src/format.cc and simdjson's singleheader/simdjson.cpp, of the installed headers' versions, where apt-get has no sources.
set -eu
cd "$(dirname "$0")/.."
out=${1:-dist}
build=${BUILD:-build}-static
most=20000000
sources=${STATIC_SOURCES:-$PWD/$build/sources}
tools/install.sh

# Debian and Ubuntu have fmt and simdjson as shared libraries alone. Their sources come through apt-get from the lists that the packages
# came from, read in a folder of ours: nothing of the system changes and no root is needed.
fetch_sources() {
  mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/fetched"
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [ ! -f "$f" ] || sed 's/^deb /deb-src /' "$f" > "$dir/parts/$(basename "$f" .list).list"; done
  for f in /etc/apt/sources.list.d/*.sources; do [ ! -f "$f" ] || sed 's/^Types:.*/Types: deb-src/' "$f" > "$dir/parts/$(basename "$f")"; done
  cd "$dir/fetched"
  apt="apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$dir/parts -o Dir::State::Lists=$dir/lists -o Dir::Cache=$dir/cache -o APT::Sandbox::User=$(id -un)"
  $apt update || true  # a list of someone else's may have no sources
  for package in libfmt-dev libsimdjson-dev; do
    # of the installed headers' version; where the archive has moved on, a newer revision of it
    source=$(dpkg-query -W -f '${source:Package}=${source:Version}' $package)
    $apt source --download-only "$source" || $apt source --download-only "${source%=*}"
  done
  tar -xf fmtlib_*.orig.tar.* --strip-components=2 --wildcards '*/src/format.cc'
  tar -xf simdjson_*.orig.tar.* --strip-components=2 --wildcards '*/singleheader/simdjson.cpp'
}
if [ ! -f "$sources/format.cc" ] || [ ! -f "$sources/simdjson.cpp" ]; then
  echo "minke: fetching the sources of fmt and simdjson"
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  (fetch_sources > "$dir/log" 2>&1) || :
  if [ ! -f "$dir/fetched/format.cc" ] || [ ! -f "$dir/fetched/simdjson.cpp" ]; then
    tail -n 3 "$dir/log" >&2
    echo "minke: no sources of fmt and simdjson through apt-get; put format.cc and simdjson.cpp, of the installed headers' versions, into a folder: STATIC_SOURCES=FOLDER make dist" >&2
    exit 1
  fi
  mkdir -p "$sources"
  mv "$dir/fetched/format.cc" "$dir/fetched/simdjson.cpp" "$sources/"
fi

cmake -S . -B "$build" -G Ninja -DMINKE_TESTS=OFF -DMINKE_STATIC=ON -DMINKE_STATIC_SOURCES="$sources" ${CMAKE_FLAGS:-} > /dev/null
cmake --build "$build" --target minke

mkdir -p "$out"
strip -o "$out/minke.part" "$build/minke"
mv "$out/minke.part" "$out/minke"
bytes=$(wc -c < "$out/minke")
if [ "$bytes" -gt $most ]; then echo "minke: $out/minke has $bytes bytes, expected at most $most" >&2; exit 1; fi
if readelf -lW "$out/minke" | grep -q INTERP; then echo "minke: $out/minke asks for a loader: not a static file" >&2; exit 1; fi

rm -rf "$out/models/default"
if [ -f models/default/config.json ]; then
  mkdir -p "$out/models"
  cp -R models/default "$out/models/default"
  echo "$out/minke ($bytes bytes) and $out/models/default"
else
  echo "$out/minke ($bytes bytes); there is no models/default to copy: name a model folder in every command"
fi
