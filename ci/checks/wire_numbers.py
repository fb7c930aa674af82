"""A number that C++ decides is typed once: Python has it from _raylet.

_TIMED_OUT = 2  # InterruptReason::kTimedOut          found: its comment names a constant of C++
NAME_BYTES_MAX = 1024                                 found: _raylet exports the name
"""

import ast
import re

from checks.finding import Finding
from checks.law import Law
from checks.python_imports import PACKAGE
from checks.tree import PYTHON_SUFFIXES, Tree

DOORWAY = "python/rayx/_raylet/constants.pyi"

_EXPORTED = re.compile(r"^([A-Z][A-Z0-9_]+): Final\[int\]", re.MULTILINE)
# A constant, an enumerator or a header of C++.
_OF_CPP = re.compile(r"\bk[A-Z][a-z]\w+|\bcpp/\S+\.(?:h|fbs)\b")


def check(tree: Tree, law: Law) -> list[Finding]:
    """Assignments of numbers, in a module or a class, that repeat what C++ says."""
    del law
    exported = set(_EXPORTED.findall(tree.text(DOORWAY)))
    findings = []
    for path in tree.with_suffix(PYTHON_SUFFIXES, PACKAGE):
        try:
            module = ast.parse(tree.text(path))
        except SyntaxError:
            continue
        lines = tree.text(path).splitlines()
        for name, node in _assignments(module):
            of_cpp = _OF_CPP.search(_comment_of(lines, node))
            if of_cpp or name.lstrip("_") in exported:
                source = of_cpp.group(0) if of_cpp else f"{name.lstrip('_')} of _raylet"
                message = f"{name} types {source} again; let _raylet export it, and import it"
                findings.append(Finding(path, node.lineno, "wire-number", message))
    return findings


def _assignments(module: ast.Module) -> list[tuple[str, ast.stmt]]:
    """Names that are given numbers, or a table of them."""
    bodies = [module.body, *(n.body for n in ast.walk(module) if isinstance(n, ast.ClassDef))]
    found: list[tuple[str, ast.stmt]] = []
    for node in (statement for body in bodies for statement in body):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and _is_numbers(value):
            found.append((target.id, node))
    return found


def _is_numbers(value: ast.expr) -> bool:
    """Whether an expression is typed out: a number, arithmetic of numbers, a table by numbers."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float | bytes) and not isinstance(value.value, bool)
    if isinstance(value, ast.BinOp):
        return _is_numbers(value.left) and _is_numbers(value.right)
    if isinstance(value, ast.UnaryOp):
        return _is_numbers(value.operand)
    if isinstance(value, ast.Dict):
        keys = [key for key in value.keys if key is not None]
        return bool(keys) and all(_is_numbers(key) for key in keys)
    return False


def _comment_of(lines: list[str], node: ast.stmt) -> str:
    """The comment behind an assignment, and the one directly above it."""
    comments = [lines[node.lineno - 1].partition("#")[2]]
    above = node.lineno - 2
    while above >= 0 and lines[above].lstrip().startswith("#"):
        comments.append(lines[above])
        above -= 1
    return "\n".join(comments)
