"""What only a few files speak of: a mechanism that must stay behind its door.

A fence has a pattern for the words of the mechanism, and the files that may use them. Comments
count: whoever has to explain it has to know it.
"""

import re

from checks.finding import Finding
from checks.law import Fence, Law, matches
from checks.tree import CPP_SUFFIXES, Tree


def check(tree: Tree, law: Law) -> list[Finding]:
    """Words of a fence outside of it, and files in it that need not be there."""
    return [finding for fence in law.fences for finding in _check_one(tree, fence)]


def _check_one(tree: Tree, fence: Fence) -> list[Finding]:
    words = re.compile(fence.words)
    findings = []
    speaking = set()
    for path in tree.with_suffix(CPP_SUFFIXES, "cpp/"):
        found = words.search(tree.text(path))
        if found is None:
            continue
        speaking.add(path)
        if not matches(path, fence.only):
            line = tree.text(path).count("\n", 0, found.start()) + 1
            message = f'"{found.group(0)}" is a word of the fence {fence.name}: {fence.why}'
            findings.append(Finding(path, line, "fence", message))
    for pattern in fence.only:
        if not any(matches(path, (pattern,)) for path in speaking):
            message = f"[fences.{fence.name}]: {pattern} does not need to be there any more"
            findings.append(Finding("ci/layers.toml", 1, "fence", message))
    return findings
