"""Checks what a machine can check about the style of rayx, so that nobody has to argue.

    ci/tidy.py             all rules, then clang-format, ruff and mypy
    ci/tidy.py --update    also lowers the figures of ci/ratchet.json to what was reached
    ci/tidy.py --rules     only the rules of its own, which take a second

Prints `path:line: rule: message`. The rules live in ci/checks, their data in ci/layers.toml.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from checks import (
    banned,
    build_lists,
    cycles,
    doorway,
    fences,
    headers,
    includes,
    markdown,
    mirrors,
    own_names,
    ratchet,
    room_shelves,
    schemas,
    shelves,
    tools,
    unused,
    unused_types,
    wire_numbers,
)
from checks.finding import Finding
from checks.law import Law
from checks.tree import Tree

Rule = Callable[[Tree, Law], list[Finding]]

RULES: list[Rule] = [
    includes.check,
    room_shelves.check,
    cycles.check,
    doorway.check,
    fences.check,
    shelves.check,
    banned.check,
    build_lists.check,
    mirrors.check,
    own_names.check,
    schemas.check,
    markdown.check,
    wire_numbers.check,
    unused.check,
    unused_types.check,
    ratchet.check,
]
# These start other programs.
SLOW_RULES: list[Rule] = [headers.check, tools.check]


def main() -> int:
    """Runs the rules; 0 if nothing was found."""
    parser = argparse.ArgumentParser(description="Checks the style of rayx.")
    parser.add_argument("--update", action="store_true", help="lower ci/ratchet.json")
    parser.add_argument("--rules", action="store_true", help="no compiler, no other programs")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args()

    started = time.monotonic()
    tree = Tree(options.root)
    law = Law.read(options.root / "ci" / "layers.toml")
    if options.update:
        for line in ratchet.update(tree):
            print(line)
    findings: list[Finding] = []
    for rule in RULES if options.rules else RULES + SLOW_RULES:
        findings += rule(tree, law)
    for finding in sorted(set(findings)):
        print(finding)
    seconds = time.monotonic() - started
    verdict = f"{len(findings)} findings" if findings else "nothing found"
    print(f"tidy: {verdict} in {len(tree.sources)} files, {seconds:.1f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
