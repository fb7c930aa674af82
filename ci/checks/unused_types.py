"""Types of C++ that the product does not use: classes, structs, unions, enums and aliases.

struct Lonely { int a; };            found, if it is named nowhere else in cpp or in Cython
Lonely::Lonely() : a(1) {}           is a part of it, and no use
class Declared;                      no use either

Tests and benchmarks do not count. A room that is ahead of its use (ci/layers.toml) may have some.
By name alone: what has the name of something that is used passes for used.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from checks.cpp_interfaces import (
    ACCESS,
    ATTRIBUTE,
    SCOPE,
    declarations,
    without_directives,
    without_template,
)
from checks.finding import Finding
from checks.law import Law
from checks.python_imports import PACKAGE
from checks.text import line_of
from checks.tree import CPP_SUFFIXES, CYTHON_SUFFIXES, Tree

_WORD = re.compile(r"[A-Za-z_]\w*")
# With a body or not; no specialization of a template, and no `struct Name variable`.
_TYPE = re.compile(
    r"\s*(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(\w+)\s*(?:final\s*)?(?::(?!:)|$)"
)
_ALIAS = re.compile(r"\s*using\s+(\w+)\s*=")
_MEMBER = re.compile(r"((?:\w+::)+)(?:~?\w+|operator[^(]+)\s*\(")


@dataclass(frozen=True)
class Part:
    """Where a source says what a type is: the names of that type there are no uses of it."""

    name: str
    begin: int
    end: int
    is_declaration: bool  # not just the body of one of its methods


def check(tree: Tree, law: Law) -> list[Finding]:
    """Each declaration of a type that nothing else in the product names."""
    declared: dict[str, list[tuple[str, int]]] = defaultdict(list)
    used: set[str] = set()
    for path in tree.with_suffix(CPP_SUFFIXES, "cpp/"):
        code = tree.code(path)
        parts = parts_of(code)
        for part in parts:
            if part.is_declaration:
                declared[part.name].append((path, line_of(code, part.begin)))
        used |= _used_names(without_directives(code), parts)
    for path in tree.with_suffix(CYTHON_SUFFIXES, PACKAGE):
        used.update(_WORD.findall(tree.code(path)))
    unused = [
        (path, line, name) for name in declared.keys() - used for path, line in declared[name]
    ]
    ahead = {room.path: room for room in law.rooms if room.ahead}
    findings = []
    for path, line, name in unused:
        room = law.room_of(path)
        if room is None or not room.ahead:
            message = f"nothing in rayx uses the type {name}; remove it"
            findings.append(Finding(path, line, "unused", message))
        else:
            ahead.pop(room.path, None)
    for room in ahead.values():
        if tree.with_suffix(CPP_SUFFIXES, f"{room.path}/"):
            message = f"[rooms.{room.name}] is not ahead any more: its types are used"
            findings.append(Finding("ci/layers.toml", 1, "unused", message))
    return findings


def parts_of(code: str) -> list[Part]:
    """Those of a source's types, in classes too, but not of what functions define."""
    return list(_read(without_directives(code), 0, len(code)))


def _read(code: str, begin: int, end: int) -> Iterator[Part]:
    for start, stop, body in declarations(code, begin, end):
        text = code[start:stop]
        while access := ACCESS.match(text):
            start += access.end()
            text = text[access.end() :]
        words = without_template(ATTRIBUTE.sub(" ", text))
        first = start + len(text) - len(text.lstrip())
        last = stop if body is None else body[1]
        if body is not None and SCOPE.match(words):
            yield from _read(code, body[0] + 1, body[1])
        elif found := _TYPE.match(words) or _ALIAS.match(words):
            yield Part(found.group(1), first, last, is_declaration=True)
            if body is not None and not words.lstrip().startswith("enum"):
                yield from _read(code, body[0] + 1, body[1])
        elif body is not None and (member := _MEMBER.search(words)):
            for owner in member.group(1).split("::")[:-1]:
                yield Part(owner, first, last, is_declaration=False)


def _used_names(code: str, parts: list[Part]) -> set[str]:
    """Those that stand somewhere else than in a part of their type."""
    own: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        own[part.name].append(part)
    used = set()
    for word in _WORD.finditer(code):
        name = word.group(0)
        if name not in used and not any(
            part.begin <= word.start() < part.end for part in own.get(name, ())
        ):
            used.add(name)
    return used
