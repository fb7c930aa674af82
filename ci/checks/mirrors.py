"""Tests mirror sources, rooms tell what they are, and no module is left alone."""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from checks.finding import Finding
from checks.law import Law, Room, matches
from checks.python_imports import PACKAGE, SOURCES, imports_of
from checks.tree import PYTHON_SUFFIXES, Tree

LAYERS = "ci/layers.toml"
# `python -m rayx.worker.template`, and what is imported by a name in a table.
_NAMED = re.compile(r"[\"'](rayx(?:\.\w+)+)[\"']")


def check(tree: Tree, law: Law) -> list[Finding]:
    """Both languages, READMEs, and exceptions that except nothing."""
    return [
        *_cpp_sources(tree, law),
        *_cpp_tests(tree, law),
        *_python_modules(tree, law),
        *_readmes(tree, law),
        *_stale_exceptions(tree, law),
    ]


# ---- C++ -----------------------------------------------------------------------------------------


def _test_directories(room: Room) -> list[str]:
    """tests/cpp/base and tests/cpp/common/base are both understood."""
    return [f"tests/cpp/{room.name}", f"tests/{room.path}"]


def _cpp_sources(tree: Tree, law: Law) -> list[Finding]:
    findings = []
    for path in tree.with_suffix((".cc",), "cpp/"):
        room = law.room_of(path)
        if room is None or matches(path, tuple(law.untested)):
            continue
        below = PurePosixPath(path).relative_to(room.path).with_suffix("")
        wanted = [f"{directory}/{below}_test.cc" for directory in _test_directories(room)]
        if not any(tree.exists(test) for test in wanted):
            message = (
                f"has no test {wanted[0]}; write it, or say in {LAYERS} [untested] what covers it"
            )
            findings.append(Finding(path, 1, "mirrored-test", message))
    return findings


def _cpp_tests(tree: Tree, law: Law) -> list[Finding]:
    findings = []
    for path in tree.with_suffix(("_test.cc",), "tests/cpp/"):
        if matches(path, tuple(law.tests_without_source)) or path.startswith("tests/cpp/testing/"):
            continue
        stem = path.removesuffix("_test.cc")
        sources = [
            f"{room.path}/{PurePosixPath(stem).relative_to(directory)}"
            for room in law.rooms
            for directory in _test_directories(room)
            if stem.startswith(directory + "/")
        ]
        if not any(tree.exists(source + suffix) for source in sources for suffix in (".h", ".cc")):
            wanted = f"{sources[0]}.h" if sources else "a source"
            message = f"tests no {wanted}; rename it with its source, or list it in {LAYERS}"
            findings.append(Finding(path, 1, "mirrored-test", message))
    return findings


# ---- Python --------------------------------------------------------------------------------------


def _python_modules(tree: Tree, law: Law) -> list[Finding]:
    findings = []
    used = _used_modules(tree)
    for path in tree.with_suffix(PYTHON_SUFFIXES, PACKAGE):
        name = path.removeprefix(PACKAGE).removesuffix(".py").replace("/", ".")
        if name.rpartition(".")[2] in ("__init__", "__main__"):
            continue
        folder, _, last = name.replace(".", "/").rpartition("/")
        wanted = PurePosixPath("tests/python", folder, f"test_{last}.py").as_posix()
        covering = law.python_tests.get(name)
        if covering is not None and not tree.exists(covering):
            message = f"{LAYERS} [python_tests] says {covering} covers it, which does not exist"
            findings.append(Finding(path, 1, "mirrored-test", message))
        elif covering is None and not tree.exists(wanted):
            message = f"has no test {wanted}; write it, or say in {LAYERS} [python_tests] who does"
            findings.append(Finding(path, 1, "mirrored-test", message))
        if name not in law.python_entry_points and path not in used:
            message = f"nobody imports rayx.{name}; remove it, or list it in {LAYERS}"
            findings.append(Finding(path, 1, "never-imported", message))
    return findings


def _used_modules(tree: Tree) -> set[str]:
    """Paths of modules that another one imports, or that the product names in a string."""
    used = {one.target for path in tree.modules(PACKAGE) for one in imports_of(tree, path)}
    for path in [*tree.with_suffix((".py", ".pyx", ".cc"), "python/"), "pyproject.toml"]:
        for name in _NAMED.findall(tree.text(path)):
            named = f"{SOURCES}{name.replace('.', '/')}.py"
            if named != path:
                used.add(named)
    return used


# ---- rooms and exceptions ------------------------------------------------------------------------


def _readmes(tree: Tree, law: Law) -> list[Finding]:
    return [
        Finding(
            f"{room.path}/README.md", 1, "readme", "missing; tell what the room does and its states"
        )
        for room in law.rooms
        if tree.exists(room.path) and not tree.exists(f"{room.path}/README.md")
    ]


def _stale_exceptions(tree: Tree, law: Law) -> list[Finding]:
    findings = []
    for pattern in [*law.untested, *law.tests_without_source]:
        if not any(fnmatchcase(path, pattern) for path in tree.sources):
            message = f"the exception '{pattern}' matches no file; remove it"
            findings.append(Finding(LAYERS, 1, "stale-exception", message))
    for module in [*law.python_tests, *law.python_entry_points]:
        if not tree.exists(f"{PACKAGE}{module.replace('.', '/')}.py"):
            message = f"the exception '{module}' names no module of rayx; remove it"
            findings.append(Finding(LAYERS, 1, "stale-exception", message))
    return findings
