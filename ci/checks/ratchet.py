"""Files of 500 lines and functions of 70 are the limit, and 15 public methods and 6 parameters.

The last two hold for Python of rayx and for headers of C++, which say what a class offers.

What is over it stands in ci/ratchet.json with its figure, which may only shrink. An entry is
added by hand, in a commit that says why; `ci/tidy.py --update` only lowers and removes.
"""

import json
from dataclasses import dataclass
from typing import cast

from checks.cpp_interfaces import cpp_offers_of
from checks.finding import Finding
from checks.functions import functions_of
from checks.interfaces import offers_of
from checks.law import Law
from checks.python_imports import PACKAGE
from checks.tree import PYTHON_SUFFIXES, Tree

RATCHET = "ci/ratchet.json"


@dataclass(frozen=True)
class Limit:
    """Of one kind of thing: how much of what, and the name of the rule."""

    most: int
    unit: str
    rule: str


LIMITS = {
    "files": Limit(500, "lines", "file-length"),
    "functions": Limit(70, "lines", "function-length"),
    "methods": Limit(15, "public methods", "public-methods"),
    "parameters": Limit(6, "parameters", "parameters"),
}

Figures = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Measure:
    """Something with a size: a file, or a part of one, `path::name` (of several, the largest)."""

    kind: str
    key: str
    path: str
    line: int
    size: int

    @property
    def limit(self) -> Limit:
        """What holds for its kind."""
        return LIMITS[self.kind]


def check(tree: Tree, law: Law) -> list[Finding]:
    """Compares every size with its limit or its recorded figure."""
    del law
    recorded = _read(tree)
    measures = {(m.kind, m.key): m for m in _measure(tree)}
    findings = []
    for measure in measures.values():
        findings += _compare(measure, recorded[measure.kind].get(measure.key))
    for kind in LIMITS:
        for key in recorded[kind]:
            if (kind, key) not in measures:
                findings.append(_lower(f"{key} is gone"))
    return findings


def update(tree: Tree) -> list[str]:
    """Lowers the figures to what was reached; tells what it did."""
    recorded = _read(tree)
    measures = {(m.kind, m.key): m for m in _measure(tree)}
    told = []
    lowered: Figures = {kind: {} for kind in LIMITS}
    for kind, figures in recorded.items():
        for key, figure in sorted(figures.items()):
            measure = measures.get((kind, key))
            if measure is None or measure.size <= measure.limit.most:
                told.append(f"{key}: no longer over the limit")
                continue
            lowered[kind][key] = min(figure, measure.size)
            if lowered[kind][key] < figure:
                told.append(f"{key}: {figure} -> {lowered[kind][key]}")
    if lowered != recorded:
        (tree.root / RATCHET).write_text(json.dumps(lowered, indent=2) + "\n")
    return told


def _read(tree: Tree) -> Figures:
    # Not through tree.text, which remembers: update() writes this file, check() reads it again.
    file = tree.root / RATCHET
    figures: Figures = {kind: {} for kind in LIMITS}
    if file.is_file():
        figures |= cast(Figures, json.loads(file.read_text()))
    return figures


def _measure(tree: Tree) -> list[Measure]:
    measures = []
    largest: dict[tuple[str, str], Measure] = {}
    for path in tree.sources:
        measures.append(Measure("files", path, path, 1, tree.text(path).count("\n")))
        for part in _parts(tree, path):
            before = largest.setdefault((part.kind, part.key), part)
            if before.size < part.size:
                largest[part.kind, part.key] = part
    return measures + list(largest.values())


def _parts(tree: Tree, path: str) -> list[Measure]:
    parts = [
        Measure("functions", f"{path}::{one.name}", path, one.line, one.lines)
        for one in functions_of(tree, path)
    ]
    offers = []
    if path.startswith(PACKAGE) and path.endswith(PYTHON_SUFFIXES):
        offers = offers_of(tree.text(path))
    elif path.startswith("cpp/") and path.endswith(".h"):
        offers = cpp_offers_of(tree.code(path))
    return parts + [
        Measure(one.kind, f"{path}::{one.name}", path, one.line, one.size) for one in offers
    ]


def _compare(measure: Measure, recorded: int | None) -> list[Finding]:
    name = measure.key.rpartition("::")[2]
    limit = measure.limit
    what = f"{name} has {measure.size} {limit.unit}"
    if recorded is None:
        if measure.size <= limit.most:
            return []
        message = f"{what}, the limit is {limit.most}; split it by noun"
        return [Finding(measure.path, measure.line, limit.rule, message)]
    if measure.size > recorded:
        message = f"{what}, it had {recorded} and may only shrink; split it by noun"
        return [Finding(measure.path, measure.line, limit.rule, message)]
    if measure.size < recorded:
        return [_lower(f"{measure.key} has {measure.size} {limit.unit}, {recorded} are recorded")]
    return []


def _lower(what: str) -> Finding:
    return Finding(RATCHET, 1, "ratchet", f"{what}; well done, now run ci/tidy.py --update")
