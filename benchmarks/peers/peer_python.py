"""Which backends are there, and which Python has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from peers.backends import BACKENDS

_LIMIT_S = 60
# find_spec of the top name imports nothing.
_ASK = """
import importlib.util, sys
print(all(importlib.util.find_spec(name) for name in sys.argv[1:]))
"""


def missing(name: str, python: str) -> list[str]:
    """What this Python lacks to measure the backend; empty if nothing."""
    wanted = ["numpy", *filter(None, [BACKENDS[name].library])]
    return [library for library in wanted if not _has(python, library)]


def select(asked: list[str], pythons: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Of those that were asked for, or of all: which can be measured, and why others cannot."""
    chosen: list[str] = []
    refused: dict[str, str] = {}
    for name in asked or BACKENDS:
        lacking = missing(name, pythons[name])
        if lacking:
            what = f"{' and '.join(lacking)} not installed in {pythons[name]}"
            refused[name] = f"{what} (another Python: --python {name}=PATH)"
        else:
            chosen.append(name)
    return chosen, refused


@cache
def _has(python: str, library: str) -> bool:
    ran = subprocess.run(
        [python, "-c", _ASK, library],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if ran.returncode != 0:
        print(f"compare: {python} does not run: {ran.stderr.strip()}", file=sys.stderr)
    return ran.stdout.strip() == "True"
