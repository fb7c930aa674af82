#!/usr/bin/env bash
# Runs a command as a phase of a build: prints one line, what is done and how long it took. What the
# command itself prints is shown only if it fails, or with V=1.
#
#   ci/phase.sh 'Compile the daemons' cmake --build build/editable

set -euo pipefail

if [[ $# -lt 2 ]]; then
  echo "use: $0 'What is done' COMMAND [ARGUMENT…]" >&2
  exit 2
fi
what=$1
shift
start=$(date +%s%N)

print_time() {
  local ms=$((($(date +%s%N) - start) / 1000000))
  printf '%s: %d.%d s\n' "$what" $((ms / 1000)) $((ms % 1000 / 100))
}

if [[ "${V:-0}" != 0 ]]; then
  echo "$what: $*"
  "$@"
  print_time
  exit
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT
if [[ -t 1 ]]; then printf '%s …\r' "$what"; fi
code=0
"$@" >"$output" 2>&1 || code=$?
if [[ $code != 0 ]]; then
  cat "$output" >&2
  echo "$what: failed with exit code $code, see above; the command was: $*" >&2
  exit "$code"
fi
print_time
