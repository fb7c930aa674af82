"""The include law: a room includes only what ci/layers.toml allows it."""

from checks.finding import Finding
from checks.include_lines import Include, cython_externs_of, includes_of
from checks.law import Law, matches
from checks.tree import CPP_SUFFIXES, CYTHON_SUFFIXES, Tree


def check(tree: Tree, law: Law) -> list[Finding]:
    """Rooms, headers of others, and the Cython doorway."""
    findings = []
    for path in tree.with_suffix(CPP_SUFFIXES):
        for include in includes_of(tree, path):
            findings += _check_family(law, path, include)
            if path.startswith("cpp/") and include.quoted:
                findings += _check_room(law, path, include)
            elif include.quoted and include.target is None and not include.is_generated:
                findings.append(_unresolved(path, include))
    for path in tree.with_suffix(CYTHON_SUFFIXES):
        findings += _check_cython(law, path, cython_externs_of(tree, path))
    return findings


def _check_family(law: Law, path: str, include: Include) -> list[Finding]:
    return [
        Finding(
            path,
            include.line,
            "include-law",
            f"<{include.path}> belongs only to {', '.join(family.only)}: {family.why}",
        )
        for family in law.families
        if matches(include.path, family.match) and not matches(path, family.only)
    ]


def _check_room(law: Law, path: str, include: Include) -> list[Finding]:
    if include.target is None and not include.is_generated:
        return [_unresolved(path, include)]
    room = law.room_of(path)
    other = law.room_of(f"cpp/{include.path}")
    if room is None:
        message = "this file lies in no room of ci/layers.toml, move it into one"
        return [Finding(path, 1, "include-law", message)]
    if other is None or other == room or other.name in room.includes:
        return []
    allowed = ", ".join(room.includes) or "no other room"
    message = (
        f"{room.name} may not include {other.name} (it may include {allowed}); "
        "let the room above carry the value across"
    )
    return [Finding(path, include.line, "include-law", message)]


def _unresolved(path: str, include: Include) -> Finding:
    message = (
        f'"{include.path}" is no file; write the path from cpp/, as in "plasma/object_store.h"'
    )
    return Finding(path, include.line, "include-law", message)


def _check_cython(law: Law, path: str, externs: list[Include]) -> list[Finding]:
    return [
        Finding(
            path,
            extern.line,
            "include-law",
            f"the doorway sees only {', '.join(law.raylet_includes)}, not {extern.path}; "
            "let client/client.h offer it",
        )
        for extern in externs
        if extern.quoted and extern.path != "*" and not extern.path.startswith("Python")
        if not matches(extern.path, law.raylet_includes)
    ]
