"""The #include lines of a source, and which file of the project each means."""

import re
from dataclasses import dataclass

from checks.text import line_of
from checks.tree import Tree

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"\n]+)[>"]', re.MULTILINE)
_CYTHON_EXTERN = re.compile(r'cdef\s+extern\s+from\s+(["\'])([^"\']+)["\']')
# Where an include path of ours may begin.
INCLUDE_ROOTS = ("cpp", "tests/cpp", "tests", "benchmarks")


@dataclass(frozen=True)
class Include:
    """One line `#include "path"`."""

    line: int
    path: str
    quoted: bool
    target: str | None  # the file of the project, None for others' and generated ones

    @property
    def is_generated(self) -> bool:
        """Whether flatc makes it."""
        return "/generated/" in self.path


def includes_of(tree: Tree, path: str) -> list[Include]:
    """All includes of a C++ source, in order."""
    code = tree.code(path)
    return [
        Include(line_of(code, m.start(1)), m.group(2), m.group(1) == '"', target(tree, m.group(2)))
        for m in _INCLUDE.finditer(code)
    ]


def cython_externs_of(tree: Tree, path: str) -> list[Include]:
    """All headers that a Cython source declares."""
    source = tree.text(path)
    return [
        Include(line_of(source, m.start()), m.group(2).strip("<>"), "<" not in m.group(2), None)
        for m in _CYTHON_EXTERN.finditer(source)
    ]


def target(tree: Tree, include: str) -> str | None:
    """The file of the project that an include path names."""
    for root in INCLUDE_ROOTS:
        if tree.exists(f"{root}/{include}"):
            return f"{root}/{include}"
    return None
