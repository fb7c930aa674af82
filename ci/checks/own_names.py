"""Names that a C++ source keeps to itself are those of no other source of its room.

The product compiles some sources of a room as one (RAYX_UNITY in cmake/rayx.cmake), and which of
them share a batch changes whenever the list of sources does. Two unnamed namespaces are one there,
so equal names in them are an error, or overloads that nobody meant, that whoever adds a source has
to find the cause of.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from checks.cpp_interfaces import (
    ATTRIBUTE,
    SCOPE,
    declarations,
    without_directives,
    without_template,
)
from checks.finding import Finding
from checks.law import Law
from checks.text import line_of
from checks.tree import Tree

_UNNAMED = re.compile(r"\s*(?:inline\s+)?namespace\s*$")
_TYPE = re.compile(r"\s*(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(\w+)")
_ALIAS = re.compile(r"\s*using\s+(\w+)\s*=")
_NO_NAME = re.compile(r"\s*(?:using|static_assert|friend|extern)\b")
_STATIC = re.compile(r"\s*(?:inline\s+|constexpr\s+)*static\b")
_FUNCTION = re.compile(r"((?:\w+::)*~?\w+)\s*\(")
_VARIABLE = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?:\{|=|$)")


@dataclass(frozen=True)
class OwnName:
    """A name with internal linkage, and where it is given."""

    name: str
    line: int


def check(tree: Tree, law: Law) -> list[Finding]:
    """Each source that gives a name which another one of its room has given before it."""
    places: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for path in tree.with_suffix((".cc",), "cpp/"):
        room = law.room_of(path)
        # A declaration and its definition are one name.
        names = {one.name: one.line for one in reversed(own_names_of(tree.code(path)))}
        for name, line in names.items():
            places[room.name if room is not None else "", name].append((path, line))
    findings = []
    for (_, name), all_places in places.items():
        first = all_places[0][0]
        for path, line in all_places[1:]:
            message = (
                f"{name} is a name of {first}, too, and both may be compiled as one source; "
                "rename one of them, or define it once"
            )
            findings.append(Finding(path, line, "own-names", message))
    return findings


def own_names_of(code: str) -> list[OwnName]:
    """Those that a source defines in unnamed namespaces, or as static, in their order."""
    code = without_directives(code)
    return list(_read(code, 0, len(code), is_own=False))


def _read(code: str, begin: int, end: int, is_own: bool) -> Iterator[OwnName]:
    for start, stop, body in declarations(code, begin, end):
        text = code[start:stop]
        words = without_template(ATTRIBUTE.sub(" ", text))
        if body is not None and SCOPE.match(words):
            yield from _read(code, body[0] + 1, body[1], is_own or bool(_UNNAMED.match(words)))
            continue
        if not is_own and not _STATIC.match(words):
            continue
        name = _name_of(words)
        if name is not None:
            yield OwnName(name, line_of(code, start + len(text) - len(text.lstrip())))


def _name_of(words: str) -> str | None:
    if found := _TYPE.match(words) or _ALIAS.match(words):
        return found.group(1)
    if _NO_NAME.match(words):
        return None
    plain = _without_arguments(words)
    function = _FUNCTION.search(plain)
    if function is not None and "=" not in plain[: function.start()]:
        # A method is a name of its class.
        return None if "::" in function.group(1) else function.group(1)
    variable = _VARIABLE.search(plain)
    return variable.group(1) if variable is not None else None


def _without_arguments(words: str) -> str:
    """Without what stands between angle brackets, which may hold parentheses."""
    plain = ""
    depth = 0
    for character in re.sub(r"->|operator\s*\S+?(?=\()|<=>|<=|>=|<<", "  ", words):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if depth <= 0 and character != ">":
            plain += character
    return plain
