"""Every table of a schema says, directly above it, who sends it and what it means.

Lines end at 100 columns: no formatter sees to that here.
"""

import re

from checks.finding import Finding
from checks.law import Law
from checks.markdown import COLUMNS
from checks.tree import Tree

_TABLE = re.compile(r"\s*table\s+(\w+)")


def check(tree: Tree, law: Law) -> list[Finding]:
    """Tables without a comment, and long lines."""
    del law
    findings = []
    for path in tree.with_suffix((".fbs",)):
        above = ""
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            if len(line) > COLUMNS:
                message = f"{len(line)} columns, the limit is {COLUMNS}"
                findings.append(Finding(path, number, "columns", message))
            table = _TABLE.match(line)
            if table and not above.strip().startswith("//"):
                message = (
                    f"table {table.group(1)} has no comment directly above it; who sends it, why?"
                )
                findings.append(Finding(path, number, "schema-comment", message))
            above = line
    return findings
