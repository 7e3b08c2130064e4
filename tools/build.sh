#!/usr/bin/env bash
# Builds the real programs that the native stack, tests and benchmarks run, into a cache outside the
# repository, so that a clean clone finds them again:
#   otelcol         an OpenTelemetry Collector (tools/otelcol/manifest.yaml)
#   prometheus      Prometheus and promtool, without its pages
#   alertmanager    Alertmanager and amtool
#   jaeger          Jaeger, without its pages
#   victoria-logs   VictoriaLogs, the log store of the native stack
#   prometheus-2.42 Debian's older Prometheus, which scrapes; fetched, not built
#   kustomize       builds the manifests of k8s/
#   compose-spec    the reference reader of docker-compose.observability.yml
#   actionlint      reads .github/workflows
#   telemetrygen    the Collector project's own generator, for comparison in benchmarks
# Usage: tools/build.sh [PROGRAM...]     without a name: all
# A program is built again only when its recipe changed. Needs Go 1.26 or later.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SIMTRAFFIC_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/simtraffic/tools}
manifest=$here/otelcol/manifest.yaml
collector_version=$(sed -n 's/^  version: *//p' "$manifest")
prometheus_version=3.14.0       # its Go module is tagged v0.314.0
alertmanager_version=0.31.1     # the newest whose server builds without its pages' toolchain
jaeger_version=1.76.0           # the newest module that is served; it holds version 2's program
victoria_logs_version=1.51.1-0.20260624061259-dc94972a8708
victoria_metrics_version=1.148.8
kustomize_version=5.7.1
compose_spec_version=2.9.0
actionlint_version=1.7.12
all=(otelcol prometheus alertmanager victoria-logs jaeger prometheus-2.42 kustomize compose-spec actionlint
  telemetrygen)
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOBIN=$cache/bin

version_of() {
  case $1 in
    otelcol | telemetrygen) echo "$collector_version" ;;
    prometheus) echo "$prometheus_version" ;;
    alertmanager) echo "$alertmanager_version" ;;
    jaeger) echo "$jaeger_version" ;;
    victoria-logs) echo "$victoria_logs_version $victoria_metrics_version" ;;
    compose-spec) echo "$compose_spec_version" ;;
    actionlint) echo "$actionlint_version" ;;
    prometheus-2.42) echo 2.42 ;;
    kustomize) echo "$kustomize_version" ;;
  esac
}

builder() { echo "build_${1//[-.]/_}"; }

# A recipe is what decides the outcome; its hash is the stamp of what was built from it.
recipe() {
  {
    version_of "$1"
    declare -f "$(builder "$1")" compile
    [[ $1 != otelcol ]] || cat "$manifest"
    go version
  } | cksum
}

# compile PROGRAM PACKAGE [FLAGS]: the package, from the module in the current folder, without symbols.
compile() {
  go build -trimpath -ldflags "-s -w ${4:-}" ${3:-} -o "$cache/bin/$1.new" "$2"
  mv "$cache/bin/$1.new" "$cache/bin/$1"
}

build_otelcol() {
  go install "go.opentelemetry.io/collector/cmd/builder@v$collector_version"
  sed "/^dist:/a\\  output_path: $PWD" "$manifest" >manifest.yaml
  # Only written by the builder; compiled here, without symbols, which halves the linking.
  "$cache/bin/builder" --config manifest.yaml --skip-compilation
  compile otelcol .
}

# `go install` refuses Prometheus because of replacements in its go.mod, so a module that requires it
# is built, with the same replacement and exclusions. Cloud service discovery is left out: it is half
# of the compilation.
build_prometheus() {
  local module=github.com/prometheus/prometheus tag=v${prometheus_version/3./0.3}
  go mod init simtraffic.invalid/prometheus
  go mod edit -replace=cloud.google.com/go=cloud.google.com/go@v0.123.0 \
    -exclude=github.com/linode/linodego@v1.0.0 -exclude=google.golang.org/api@v0.30.0 \
    -exclude=github.com/grpc-ecosystem/grpc-gateway@v1.14.7
  go get "$module/cmd/prometheus@$tag" "$module/cmd/promtool@$tag"
  local version="-X github.com/prometheus/common/version.Version=$prometheus_version"
  compile promtool "$module/cmd/promtool" "-tags=remove_all_sd" "$version"
  compile prometheus "$module/cmd/prometheus" "-tags=remove_all_sd" "$version"
}

build_alertmanager() {
  local module=github.com/prometheus/alertmanager
  go install -ldflags '-s -w' "$module/cmd/amtool@v$alertmanager_version"
  go install -ldflags '-s -w' "$module/cmd/alertmanager@v$alertmanager_version"
}

# Jaeger's own go.mod and go.sum are taken over under another name: one of its checksums can no longer
# be looked up, and version 2 has no tag that the module's path admits.
build_jaeger() {
  local module=github.com/jaegertracing/jaeger facts folder
  facts=$(go mod download -json "$module@v$jaeger_version")
  field() { sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" <<<"$facts"; }
  folder=$(field Dir)
  sed "s|^module .*|module simtraffic.invalid/jaeger|" "$folder/go.mod" >go.mod
  cat "$folder/go.sum" >go.sum
  printf '%s v%s %s\n%s v%s/go.mod %s\n' \
    "$module" "$jaeger_version" "$(field Sum)" "$module" "$jaeger_version" "$(field GoModSum)" >>go.sum
  go mod edit -require="$module@v$jaeger_version"
  compile jaeger "$module/cmd/jaeger" -mod=mod
}

build_victoria_logs() {
  local metrics=github.com/VictoriaMetrics/VictoriaMetrics
  local package=github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs
  go mod init simtraffic.invalid/victoria-logs
  go mod edit -replace="$metrics=$metrics@v$victoria_metrics_version"
  go get "$package@v$victoria_logs_version"
  compile victoria-logs "$package"
}

# From Debian's package, unpacked and not installed, so that no service is started.
build_prometheus_2_42() {
  [[ $(apt-cache policy prometheus 2>/dev/null) == *" 2.42."* ]] || apt-get update
  local newest
  newest=$(apt-cache madison prometheus | awk '$3 ~ /^2[.]42[.]/ {print $3; exit}')
  [[ $newest ]] || { echo "Debian 12 has this version; this system has another" >&2; return 1; }
  apt-get download "prometheus=$newest"
  dpkg-deb --extract prometheus_*.deb .
  mv usr/bin/prometheus "$cache/bin/prometheus-2.42"
  mv usr/bin/promtool "$cache/bin/promtool-2.42"
}

build_kustomize() {
  go install -ldflags '-s -w' "sigs.k8s.io/kustomize/kustomize/v5@v$kustomize_version"
}

build_compose_spec() {
  local module=github.com/compose-spec/compose-go/v2
  go mod init simtraffic.invalid/compose-spec
  go get "$module/cmd@v$compose_spec_version"
  compile compose-spec "$module/cmd"
}

build_actionlint() {
  local module=github.com/rhysd/actionlint
  go mod init simtraffic.invalid/actionlint
  go get "$module/cmd/actionlint@v$actionlint_version"
  compile actionlint "$module/cmd/actionlint"
}

build_telemetrygen() {
  local contrib=github.com/open-telemetry/opentelemetry-collector-contrib
  go install -ldflags '-s -w' "$contrib/cmd/telemetrygen@v$collector_version"
}

# In a folder of its own, which is removed whatever happens.
build() (
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  # In the background, as a function on the left of || would go on after a failure.
  "$(builder "$1")" >"$cache/$1.log" 2>&1 &
  wait $! || {
    tail -n 20 "$cache/$1.log" >&2
    echo "tools/build.sh: $1 could not be built; the whole of it: $cache/$1.log" >&2
    exit 1
  }
)

main() {
  local program
  for program in "$@"; do
    declare -F "$(builder "$program")" >/dev/null || {
      echo "tools/build.sh: no such program: $program; there are ${all[*]}" >&2
      exit 2
    }
  done
  command -v go >/dev/null || {
    echo "tools/build.sh: Go is needed to build $*; install Go 1.26 or later" >&2
    exit 1
  }
  mkdir -p "$cache/bin"
  local stamp version
  for program in "$@"; do
    stamp=$cache/$program.stamp
    version=$(version_of "$program")
    if [[ -x $cache/bin/$program && -f $stamp && $(<"$stamp") == "$(recipe "$program")" ]]; then
      echo "$program ${version%% *} is there: $cache/bin/$program"
      continue
    fi
    echo "building $program ${version%% *}; the first time takes minutes" >&2
    build "$program"
    recipe "$program" >"$stamp"
    echo "$program ${version%% *} built: $cache/bin/$program"
  done
}

if (($# == 0)); then set -- "${all[@]}"; fi
main "$@"
