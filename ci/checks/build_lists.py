"""Every C++ source and every schema is in the list of its CMakeLists.txt."""

import re
from pathlib import PurePosixPath

from checks.finding import Finding
from checks.law import Law
from checks.tree import Tree

BUILT_DIRECTORIES = ("cpp/", "tests/", "benchmarks/")


def check(tree: Tree, law: Law) -> list[Finding]:
    """Sources that no build list names: they would rot unseen."""
    del law
    findings = []
    shared = "\n".join(tree.text(path) for path in tree.with_suffix((".cmake",), "cmake/"))
    for path in tree.with_suffix((".cc", ".fbs")):
        if not path.startswith(BUILT_DIRECTORIES):
            continue
        build_list = _nearest_list(tree, path)
        relative = PurePosixPath(path).relative_to(PurePosixPath(build_list).parent).as_posix()
        if not _names(tree.text(build_list), relative) and not _names(shared, path):
            message = (
                f"{build_list} does not name it; add {relative} to the room's SOURCES or SCHEMAS"
            )
            findings.append(Finding(path, 1, "build-list", message))
    return findings


def _nearest_list(tree: Tree, path: str) -> str:
    for directory in PurePosixPath(path).parents:
        candidate = (directory / "CMakeLists.txt").as_posix()
        if tree.exists(candidate):
            return candidate
    return "CMakeLists.txt"


def _names(text: str, source: str) -> bool:
    uncommented = re.sub(r"#[^\n]*", "", text)
    return (
        re.search(rf"(?<![\w./-])(?:[^\s]*\}}/)?{re.escape(source)}(?![\w.])", uncommented)
        is not None
    )
