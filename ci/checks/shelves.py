"""The law of python/rayx: which shelf imports which, and that no import runs in a circle."""

import ast
from collections import Counter
from pathlib import PurePosixPath

from checks.cycles import cycles_of
from checks.finding import Finding
from checks.law import Law
from checks.python_imports import PACKAGE, Import, imports_of
from checks.tree import Tree

MODULES_MAX = 11
LAYERS = "ci/layers.toml"


def check(tree: Tree, law: Law) -> list[Finding]:
    """Arrows, circles, and what a folder of modules is to be."""
    modules = tree.modules(PACKAGE)
    imports = {path: imports_of(tree, path) for path in modules}
    findings = _circles(imports)
    for path in modules:
        findings += _arrows(law, path, imports[path])
    return findings + _folders(tree, law, modules)


def _circles(imports: dict[str, list[Import]]) -> list[Finding]:
    graph = {path: [one.target for one in found] for path, found in imports.items()}
    findings = []
    for cycle in cycles_of(graph):
        path = " -> ".join(one.removeprefix(PACKAGE) for one in [*cycle, cycle[0]])
        message = (
            f"{path}; let the lower one name what it calls (a Protocol, a hook that the upper one "
            "sets), or move what both need below them"
        )
        findings.append(Finding(cycle[0], 1, "import-cycle", message))
    return findings


def _arrows(law: Law, path: str, imports: list[Import]) -> list[Finding]:
    shelf = law.shelf_of(path)
    if shelf is None:
        message = f"this module is on no shelf of {LAYERS}, put it on one"
        return [Finding(path, 1, "import-law", message)]
    findings = []
    for one in imports:
        other = law.shelf_of(one.target)
        if other is None or other == shelf or other.name in shelf.imports:
            continue
        allowed = ", ".join(shelf.imports) or "no other shelf"
        message = (
            f"{shelf.name} may not import {other.name} (it may import {allowed}), be it late or "
            "for a type; let the upper one hand the value down"
        )
        findings.append(Finding(path, one.line, "import-law", message))
    return findings


def _folders(tree: Tree, law: Law, modules: list[str]) -> list[Finding]:
    """A README that says what it is for, few modules, and nothing that is imported unasked."""
    findings = []
    for shelf in law.shelves:
        for folder in shelf.paths:
            if folder.endswith((".py", ".pyi")) or not tree.exists(folder):
                continue
            if not tree.exists(f"{folder}/README.md"):
                message = "missing; tell what the shelf is for"
                findings.append(Finding(f"{folder}/README.md", 1, "readme", message))
            start = f"{folder}/__init__.py"
            may_import = shelf.public or shelf.whole
            if tree.exists(start) and not may_import and _imports_something(tree.text(start)):
                message = "whoever imports one module of the shelf would import these too"
                findings.append(Finding(start, 1, "shelf-init", message))
    counted = Counter(
        str(PurePosixPath(path).parent)
        for path in modules
        if path.endswith(".py") and not path.endswith("/__init__.py")
    )
    for folder, count in counted.items():
        if count > MODULES_MAX:
            message = f"{count} modules, the limit is {MODULES_MAX}; make two shelves of it"
            findings.append(Finding(folder, 1, "shelf-size", message))
    return findings


def _imports_something(source: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(source))
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes)
