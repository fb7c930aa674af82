"""What a module of rayx imports of rayx, wherever in it the import stands."""

import ast
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.tree import Tree

SOURCES = "python/"
PACKAGE = "python/rayx/"


@dataclass(frozen=True)
class Import:
    """One module that is imported: the path of its source, and the line that asks for it."""

    target: str
    line: int


def imports_of(tree: Tree, path: str) -> list[Import]:
    """In order. Those inside functions and under TYPE_CHECKING count like all others.

    `importlib.import_module` counts if the name is written out. What does not parse imports
    nothing (ruff will say so).
    """
    try:
        module = ast.parse(tree.text(path))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(module):
        for name in _names(node, path):
            target = _source_of(tree, name)
            if target is not None and target != path:
                found.append(Import(target, getattr(node, "lineno", 1)))
    return sorted(set(found), key=lambda one: (one.line, one.target))


def _names(node: ast.AST, path: str) -> list[str]:
    """The dotted names that a node may import. `from a import b` may mean `a.b`, or what a has."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _absolute(node, path)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called == "import_module" and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def _absolute(node: ast.ImportFrom, path: str) -> str:
    if not node.level:
        return node.module or ""
    above = PurePosixPath(path).relative_to(SOURCES).parents[node.level - 1]
    return ".".join([*above.parts, *([node.module] if node.module else [])])


def _source_of(tree: Tree, name: str) -> str | None:
    """The file of the module, or of the one that has the name; None if it is none of rayx."""
    if name.partition(".")[0] != "rayx":
        return None
    parts = name.split(".")
    for known in (parts, parts[:-1]):
        stem = SOURCES + "/".join(known)
        for candidate in (f"{stem}.py", f"{stem}/__init__.py", f"{stem}.pyi"):
            if known and tree.exists(candidate):
                return candidate
    return None
