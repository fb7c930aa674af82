#!/usr/bin/env bash
# Prints the Python that rayx is built with: RAYX_PYTHON if set, else the first of the usual names
# that is 3.11 or newer.

set -euo pipefail

candidates=(python3 python3.11 python3.12 python3.13 python3.14)
if [[ -n "${RAYX_PYTHON:-}" ]]; then candidates=("$RAYX_PYTHON"); fi

for candidate in "${candidates[@]}"; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
echo "rayx needs Python 3.11 or newer; tried: ${candidates[*]}." >&2
echo "Install one (for example: apt-get install python3 python3-venv python3-dev), or set RAYX_PYTHON." >&2
exit 1
