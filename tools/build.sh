#!/usr/bin/env bash
# Builds the real programs that tests and benchmarks send to, into a cache outside the repository:
#   otelcol        an OpenTelemetry Collector (tools/otelcol/manifest.yaml)
#   telemetrygen   the Collector project's own generator, for comparison in benchmarks
# Usage: tools/build.sh [otelcol] [telemetrygen]     without a name: all
# A program is built again only when its recipe changed. Needs Go 1.26 or later.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SIMTRAFFIC_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/simtraffic/tools}
manifest=$here/otelcol/manifest.yaml
version=$(sed -n 's/^  version: *//p' "$manifest")
contrib=github.com/open-telemetry/opentelemetry-collector-contrib
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOBIN=$cache/bin

# A recipe is what decides the outcome; its hash is the stamp of what was built from it.
recipe() {
  case $1 in
    otelcol) cat "$manifest" "$here/build.sh" ;;
    telemetrygen) echo "$version" ;;
  esac | cat - <(go version) | cksum
}

build_otelcol() {
  go install "go.opentelemetry.io/collector/cmd/builder@v$version"
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now is meant
  trap "rm -rf '$work'" EXIT
  sed "/^dist:/a\\  output_path: $work" "$manifest" >"$work/manifest.yaml"
  # Only written by the builder; compiled here, without symbols, which halves the linking.
  "$cache/bin/builder" --config "$work/manifest.yaml" --skip-compilation
  (cd "$work" && go build -trimpath -ldflags '-s -w' -o "$cache/bin/otelcol.new" .)
  mv "$cache/bin/otelcol.new" "$cache/bin/otelcol"
}

build_telemetrygen() {
  go install -ldflags '-s -w' "$contrib/cmd/telemetrygen@v$version"
}

main() {
  command -v go >/dev/null || {
    echo "tools/build.sh: Go is needed to build $*; install Go 1.26 or later" >&2
    exit 1
  }
  mkdir -p "$cache/bin"
  local program stamp
  for program in "$@"; do
    declare -F "build_$program" >/dev/null || {
      echo "tools/build.sh: no such program: $program; there are otelcol and telemetrygen" >&2
      exit 2
    }
    stamp=$cache/$program.stamp
    if [[ -x $cache/bin/$program && -f $stamp && $(<"$stamp") == "$(recipe "$program")" ]]; then
      echo "$program $version is there: $cache/bin/$program"
      continue
    fi
    echo "building $program $version; the first time takes minutes" >&2
    "build_$program"
    recipe "$program" >"$stamp"
    echo "$program $version built: $cache/bin/$program"
  done
}

if (($# == 0)); then set -- otelcol telemetrygen; fi
main "$@"
