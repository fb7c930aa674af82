#!/usr/bin/env bash
# Makes the Docker images:
#
#   rayx-project/base-deps   what rayx is built and tested with
#   rayx-project/deploy      rayx, for a user who is not root
#   rayx-project/examples    the examples, and what they need
#
# usage: ./build-docker.sh [option...] [base-deps] [deploy] [examples]      (all three)
#
#   --base IMAGE     of Debian bookworm or later (debian:bookworm-slim)
#   --wheel FILE     of rayx for the base's Python; otherwise it is built, in base-deps
#   --wheels DIR     of others that are not to come from PyPI
#   --extras NAMES   of rayx, for the examples: "demo" is enough for the hyperparameter search
#   --network NAME   in which images are built, such as "host"

set -euo pipefail
cd "$(dirname "$0")"

base=debian:bookworm-slim
wheel= wheels= extras=examples
build=()
images=()
usage() { sed -n 's/^# \{0,1\}//p' "$0" | sed '1d' >&2; exit 2; }
while [[ $# -gt 0 ]]; do
  case "$1" in
    --base | --wheel | --wheels | --extras | --network)
      [[ $# -gt 1 ]] || { echo "$1 needs a value" >&2; usage; }
      case "$1" in
        --base) base=$2 ;;
        --wheel) wheel=$2 ;;
        --wheels) wheels=$2 ;;
        --extras) extras=$2 ;;
        --network) build+=("--network=$2") ;;
      esac
      shift 2 ;;
    base-deps | deploy | examples) images+=("$1"); shift ;;
    *) echo "unknown word '$1'" >&2; usage ;;
  esac
done
[[ ${#images[@]} -gt 0 ]] || images=(base-deps deploy examples)
wants() { [[ " ${images[*]} " == *" $1 "* ]]; }

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/wheels"

make_image() {  # make_image NAME CONTEXT OPTION...
  local name=$1 place=$2
  shift 2
  docker build --quiet "${build[@]}" "$@" --tag "rayx-project/$name" \
    --file "docker/$name/Dockerfile" "$place" > /dev/null
  echo "rayx-project/$name is made"
}

build_wheel() {
  wants base-deps || make_image base-deps . --build-arg "BASE=$base"
  make_image wheel .
  local container
  container=$(docker create rayx-project/wheel)
  docker cp --quiet "$container:/src/build/dist/." "$context/wheels"
  docker rm "$container" > /dev/null
}

if wants base-deps; then make_image base-deps . --build-arg "BASE=$base"; fi
if wants deploy || wants examples; then
  if [[ -n "$wheel" ]]; then cp "$wheel" "$context/wheels"; else build_wheel; fi
  if [[ -n "$wheels" ]]; then cp "$wheels"/*.whl "$context/wheels"; fi
fi
if wants deploy; then make_image deploy "$context" --build-arg "BASE=$base"; fi
if wants examples; then
  cp -r examples "$context"
  make_image examples "$context" --build-arg "EXTRAS=$extras"
fi
