"""The Cython of the doorway: modules that name what they use, and no circles among them.

include "ids.pxi"                           found: text of another file
from rayx._raylet.ids cimport *             found: nobody sees what comes from there
"""

import re
from pathlib import PurePosixPath

from checks.cycles import cycles_of
from checks.finding import Finding
from checks.law import Law
from checks.python_imports import SOURCES
from checks.text import line_of
from checks.tree import CYTHON_SUFFIXES, Tree

_TEXTUAL_INCLUDE = re.compile(r"^[ \t]*include[ \t]+[\"']", re.MULTILINE)
_STAR = re.compile(r"^[ \t]*from[ \t]+\S+[ \t]+c?import[ \t]+\*", re.MULTILINE)
_FROM = re.compile(
    r"^[ \t]*from[ \t]+(rayx[\w.]*)[ \t]+cimport[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE
)
_CIMPORT = re.compile(r"^[ \t]*cimport[ \t]+(rayx[\w.]*)", re.MULTILINE)


def check(tree: Tree, law: Law) -> list[Finding]:
    """Includes, stars and circles. A .pyx and the .pxd of its name are one module."""
    del law
    findings = []
    graph: dict[str, set[str]] = {}
    for path in tree.with_suffix(CYTHON_SUFFIXES, SOURCES):
        code = tree.code(path)
        if path.endswith(".pxi"):
            message = "text to be included; make a module of it, a .pyx with a .pxd"
            findings.append(Finding(path, 1, "textual-include", message))
        for match in _TEXTUAL_INCLUDE.finditer(code):
            message = "cimport from a module what is needed here; an include shares everything"
            findings.append(Finding(path, line_of(code, match.start()), "textual-include", message))
        for match in _STAR.finditer(code):
            message = "name what is needed here"
            findings.append(Finding(path, line_of(code, match.start()), "star-import", message))
        module = _module_of(path)
        graph.setdefault(module, set()).update(_cimported(tree, code) - {module})
    for cycle in cycles_of({module: sorted(others) for module, others in graph.items()}):
        names = [one.replace("/", ".") for one in [*cycle, cycle[0]]]
        message = f"{' -> '.join(names)}; move what both need into a module below them"
        findings.append(Finding(_source_of(tree, cycle[0]) or "", 1, "import-cycle", message))
    return findings


def _module_of(path: str) -> str:
    return PurePosixPath(path).relative_to(SOURCES).with_suffix("").as_posix()


def _cimported(tree: Tree, code: str) -> set[str]:
    """The modules of rayx that a source cimports. `from a cimport b` may mean `a.b`."""
    named = set(_CIMPORT.findall(code))
    for base, what in _FROM.findall(code):
        words = [one.split()[0] for one in what.strip("()").split(",") if one.strip()]
        named |= {base, *(f"{base}.{word}" for word in words)}
    return {one for name in named if _source_of(tree, one := name.replace(".", "/"))}


def _source_of(tree: Tree, module: str) -> str | None:
    """One of its files, if it has any."""
    for suffix in (".pyx", ".pxd"):
        if tree.exists(path := f"{SOURCES}{module}{suffix}"):
            return path
    return None
