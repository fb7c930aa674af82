"""Definitions of rayx that nothing in rayx uses, and that are not for users."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.finding import Finding
from checks.law import Law
from checks.python_imports import PACKAGE
from checks.tree import CYTHON_SUFFIXES, PYTHON_SUFFIXES, Tree

_WORD = re.compile(r"[A-Za-z_]\w*")
# A name, a dotted one, or an annotation in quotation marks.
_NAMES = re.compile(r"[A-Za-z_][\w.]*(?:\[[^\n]*\])?")
# `_repr_html_`, `__getattr__`: called by others, by their name.
_OF_OTHERS = re.compile(r"_(?:_\w+_|\w+)_$")


@dataclass(frozen=True)
class Definition:
    """A name that a module or a class gives to a function, a class or a value."""

    name: str
    line: int


def check(tree: Tree, law: Law) -> list[Finding]:
    """By name alone: what has the name of something that is used passes for used."""
    used = _used_names(tree)
    findings = []
    for path in tree.with_suffix(PYTHON_SUFFIXES, PACKAGE):
        shelf = law.shelf_of(path)
        if shelf is not None and shelf.public:  # made for users
            continue
        for one in definitions_of(tree.text(path)):
            if one.name not in used and not _OF_OTHERS.match(one.name):
                message = f"nothing in rayx uses {one.name}; remove it, with the tests of it"
                findings.append(Finding(path, one.line, "unused", message))
    return findings


def definitions_of(source: str) -> list[Definition]:
    """Those of a module and of its classes; what stands within functions is ruff's."""
    try:
        module = ast.parse(source)
    except SyntaxError:
        return []
    return [one for statement in module.body for one in _defined_by(statement)]


def _defined_by(node: ast.stmt) -> Iterator[Definition]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield Definition(node.name, node.lineno)
    elif isinstance(node, ast.ClassDef):
        yield Definition(node.name, node.lineno)
        for statement in node.body:
            yield from _defined_by(statement)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                yield Definition(target.id, node.lineno)
    elif isinstance(node, ast.If):
        for statement in [*node.body, *node.orelse]:
            yield from _defined_by(statement)


def _used_names(tree: Tree) -> set[str]:
    """Names that the package reads, imports or has in a string (`__all__`, getattr)."""
    used: set[str] = set()
    for path in tree.modules(PACKAGE):
        try:
            module = ast.parse(tree.text(path))
        except SyntaxError:
            continue
        for node in ast.walk(module):
            used.update(_named_by(node))
    for path in tree.with_suffix(CYTHON_SUFFIXES, PACKAGE):
        used.update(_WORD.findall(tree.code(path)))
    return used


def _named_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Load) else []
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.keyword):
        return [node.arg or ""]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _WORD.findall(node.value) if _NAMES.fullmatch(node.value) else []
    return []
