"""Every table of a schema says, directly above it, who sends it and what it means.

Lines end at 100 columns: no formatter sees to that here. What is generated for two tables of one
name is one class with two meanings, and whoever is linked with both gets either.
"""

import re

from checks.finding import Finding
from checks.law import Law
from checks.markdown import COLUMNS
from checks.tree import Tree

_TABLE = re.compile(r"\s*table\s+(\w+)")
_NAMESPACE = re.compile(r"\s*namespace\s+([\w.]+)")


def check(tree: Tree, law: Law) -> list[Finding]:
    """Tables without a comment, those whose name another one has, and long lines."""
    del law
    findings = []
    known: dict[tuple[str, str], str] = {}
    for path in tree.with_suffix((".fbs",)):
        above = namespace = ""
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            if len(line) > COLUMNS:
                message = f"{len(line)} columns, the limit is {COLUMNS}"
                findings.append(Finding(path, number, "columns", message))
            if named := _NAMESPACE.match(line):
                namespace = named.group(1)
            table = _TABLE.match(line)
            if table and (other := known.setdefault((namespace, table.group(1)), path)) != path:
                message = f"{namespace} has a table {table.group(1)} already, in {other}"
                findings.append(Finding(path, number, "schema-name", message))
            if table and not above.strip().startswith("//"):
                message = (
                    f"table {table.group(1)} has no comment directly above it; who sends it, why?"
                )
                findings.append(Finding(path, number, "schema-comment", message))
            above = line
    return findings
