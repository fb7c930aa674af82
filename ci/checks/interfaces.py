"""How much the classes and functions of a Python source offer and ask for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A class with its public methods, or a function with its parameters."""

    kind: str
    name: str
    line: int
    size: int


def offers_of(source: str) -> list[Offer]:
    """All of a source, those within functions too. Nothing, if it does not parse."""
    try:
        module = ast.parse(source)
    except SyntaxError:
        return []
    return list(_offers_in(module, ""))


def _offers_in(parent: ast.AST, prefix: str) -> Iterator[Offer]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef):
            name = f"{prefix}{node.name}"
            yield Offer("methods", name, node.lineno, len(_public_methods(node)))
            yield from _offers_in(node, f"{name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            yield Offer("parameters", name, node.lineno, len(_parameters(node)))
            yield from _offers_in(node, f"{name}.")
        else:
            yield from _offers_in(node, prefix)


def _public_methods(node: ast.ClassDef) -> set[str]:
    """By name: overloads, and the setter of a property, are one with it."""
    return {
        method.name
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        if not method.name.startswith("_")
    }


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Without `self` and `cls`, and without `*args` and `**kwargs`, which are of others."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [one.arg for one in given if one.arg not in ("self", "cls")]
