#!/usr/bin/env bash
# Installs the Debian and Ubuntu packages rayx is built with. Says what is missing and why; touches
# neither the network nor the system when nothing is.
#
#   ci/install_system_packages.sh           what `make build` and `make demo` need
#   ci/install_system_packages.sh test      what `make test` needs besides
#   ci/install_system_packages.sh clang     what `make fuzz` needs besides
#   ci/install_system_packages.sh slurm     what `make slurm-test` needs besides
#   ci/install_system_packages.sh docker    what `make docker-test` needs besides
#   ci/install_system_packages.sh --check   only says what is missing; exit code 1 if anything is

set -euo pipefail

check_only=false
groups=(build)
for word in "$@"; do
  case "$word" in
    --check) check_only=true ;;
    test | clang | slurm | docker) groups+=("$word") ;;
    *) echo "unknown word '$word'; use: $0 [--check] [test] [clang] [slurm] [docker]" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "Not a Debian or Ubuntu system: install what CMake says is missing by hand." >&2
  exit 0
fi

missing=()
is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" == installed ]]
}
want() {  # want PACKAGE WHY
  if ! is_installed "$1"; then
    missing+=("$1")
    echo "missing: $1 ($2)"
  fi
}
want_command() {  # want_command COMMAND PACKAGE WHY: satisfied by the command, whoever installed it
  command -v "$1" >/dev/null || { missing+=("$2"); echo "missing: $2 ($3)"; }
}

want_build_packages() {
  want_command g++ build-essential "the compiler"
  want_command make build-essential "the one command for everything"
  want_command cmake cmake "the build system"
  want_command ninja ninja-build "runs the build"
  want libasio-dev "event loop and sockets, header only"
  want libflatbuffers-dev "messages, header only"
  want flatbuffers-compiler "flatc, compiles the message schemas"
  want libhiredis-dev "client of the control server, linked statically"
  want libjemalloc-dev "heap of the node, which gives memory back after a burst; linked statically"
  want libxxhash-dev "checksums of what machines send unencrypted, header only"
  want libssl-dev "OpenSSL 3, TLS between machines; linked statically"
}

want_test_packages() {
  want libgtest-dev "C++ tests"
  want libbenchmark-dev "C++ microbenchmarks"
  want iproute2 "tests between hosts: network namespaces, cables, slow links"
  want nftables "tests between hosts: packets that are lost"
}

want_slurm_packages() {
  want_command slurmctld slurm-wlm "a batch system of one machine"
  want_command munged munge "by which its parts know each other"
}

want_docker_packages() {
  want_command dockerd docker.io "images and containers"
  want_command docker docker.io "images and containers"
  want_command debootstrap debootstrap "a base image without a registry"
  want_command iptables iptables "networks of containers"
}

# Which Python the Makefile will take, and what that one lacks. One with headers and ensurepip of
# its own (pyenv, a source build) needs no package.
want_python_packages() {
  local python version
  python="$("$(dirname "$0")/find_python.sh" 2>/dev/null || true)"
  if [[ -z "$python" ]]; then
    missing+=(python3 python3-dev python3-venv)
    echo "missing: python3 python3-dev python3-venv (Python 3.11 or newer)"
    return
  fi
  version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  if ! "$python" -c 'import os, sysconfig, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))'; then
    missing+=("python$version-dev")
    echo "missing: python$version-dev (Python.h, for the Cython module)"
  fi
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    missing+=("python$version-venv")
    echo "missing: python$version-venv (virtual environments)"
  fi
}

# libFuzzer comes with clang; any version from 14 on will do, and each release has another.
want_clang_packages() {
  local version found
  for version in 14 15 16 17 18 19 20; do
    if is_installed "clang-$version" && is_installed "libclang-rt-$version-dev"; then return; fi
  done
  [[ "$check_only" == true ]] || update_package_lists
  for version in 14 15 16 17 18 19 20; do
    found="$(apt-cache policy "clang-$version" 2>/dev/null | sed -n 's/^ *Candidate: //p')"
    if [[ -n "$found" && "$found" != "(none)" ]]; then
      missing+=("clang-$version" "libclang-rt-$version-dev")
      echo "missing: clang-$version libclang-rt-$version-dev (libFuzzer)"
      return
    fi
  done
  missing+=(clang)
  echo "missing: clang (libFuzzer)"
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then "$@"; else sudo "$@"; fi
}
lists_updated=false
update_package_lists() {
  if [[ "$lists_updated" == false ]]; then
    as_root apt-get update -qq
    lists_updated=true
  fi
}

for group in "${groups[@]}"; do
  case "$group" in
    build) want_build_packages; want_python_packages ;;
    test) want_test_packages ;;
    clang) want_clang_packages ;;
    slurm) want_slurm_packages ;;
    docker) want_docker_packages ;;
  esac
done

if [[ ${#missing[@]} == 0 ]]; then
  echo "All system packages are installed."
elif [[ "$check_only" == true ]]; then
  exit 1
else
  update_package_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
