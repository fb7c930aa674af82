"""Files of 500 lines and functions of 70 are the limit.

What is over it stands in ci/ratchet.json with its figure, which may only shrink. An entry is
added by hand, in a commit that says why; `ci/tidy.py --update` only lowers and removes.
"""

import json
from dataclasses import dataclass
from typing import cast

from checks.finding import Finding
from checks.functions import functions_of
from checks.law import Law
from checks.tree import Tree

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
RATCHET = "ci/ratchet.json"

Figures = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Measure:
    """Something with a size: a file, or a function `path::name` (of several, the longest)."""

    kind: str
    key: str
    path: str
    line: int
    lines: int
    limit: int


def check(tree: Tree, law: Law) -> list[Finding]:
    """Compares every size with its limit or its recorded figure."""
    del law
    recorded = _read(tree)
    measures = {(m.kind, m.key): m for m in _measure(tree)}
    findings = []
    for measure in measures.values():
        findings += _compare(measure, recorded[measure.kind].get(measure.key))
    for kind in ("files", "functions"):
        for key in recorded[kind]:
            if (kind, key) not in measures:
                findings.append(_lower(f"{key} is gone"))
    return findings


def update(tree: Tree) -> list[str]:
    """Lowers the figures to what was reached; tells what it did."""
    recorded = _read(tree)
    measures = {(m.kind, m.key): m for m in _measure(tree)}
    told = []
    lowered: Figures = {"files": {}, "functions": {}}
    for kind, figures in recorded.items():
        for key, figure in sorted(figures.items()):
            measure = measures.get((kind, key))
            if measure is None or measure.lines <= measure.limit:
                told.append(f"{key}: no longer over the limit")
                continue
            lowered[kind][key] = min(figure, measure.lines)
            if lowered[kind][key] < figure:
                told.append(f"{key}: {figure} -> {lowered[kind][key]}")
    if lowered != recorded:
        (tree.root / RATCHET).write_text(json.dumps(lowered, indent=2) + "\n")
    return told


def _read(tree: Tree) -> Figures:
    # Not through tree.text, which remembers: update() writes this file, check() reads it again.
    file = tree.root / RATCHET
    figures: Figures = {"files": {}, "functions": {}}
    if file.is_file():
        figures |= cast(Figures, json.loads(file.read_text()))
    return figures


def _measure(tree: Tree) -> list[Measure]:
    measures = []
    longest: dict[str, Measure] = {}
    for path in tree.sources:
        lines = tree.text(path).count("\n")
        measures.append(Measure("files", path, path, 1, lines, FILE_LINES_MAX))
        for function in functions_of(tree, path):
            key = f"{path}::{function.name}"
            if key not in longest or longest[key].lines < function.lines:
                longest[key] = Measure(
                    "functions", key, path, function.line, function.lines, FUNCTION_LINES_MAX
                )
    return measures + list(longest.values())


def _compare(measure: Measure, recorded: int | None) -> list[Finding]:
    name = measure.key.rpartition("::")[2]
    what = f"{name} has {measure.lines} lines"
    rule = "file-length" if measure.kind == "files" else "function-length"
    if recorded is None:
        if measure.lines <= measure.limit:
            return []
        message = f"{what}, the limit is {measure.limit}; split it by noun"
        return [Finding(measure.path, measure.line, rule, message)]
    if measure.lines > recorded:
        message = f"{what}, it had {recorded} and may only shrink; split it by noun"
        return [Finding(measure.path, measure.line, rule, message)]
    if measure.lines < recorded:
        return [_lower(f"{measure.key} has {measure.lines} lines, {recorded} are recorded")]
    return []


def _lower(what: str) -> Finding:
    return Finding(RATCHET, 1, "ratchet", f"{what}; well done, now run ci/tidy.py --update")
