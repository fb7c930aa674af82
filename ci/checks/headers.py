"""Every header compiles alone: it includes what it needs.

What compiled once is not compiled again until the header, a header of ours that it includes, or
the compiler changes (build/cache/headers holds an empty file for each such state).
"""

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks.finding import Finding
from checks.include_lines import includes_of
from checks.law import Law
from checks.tree import Tree

# As in cmake/rayx.cmake; warnings are the build's business.
FLAGS = ["-std=c++20", "-fsyntax-only", "-DFMT_HEADER_ONLY", "-DSPDLOG_FMT_EXTERNAL"]
FLAGS += ["-DASIO_STANDALONE", "-DASIO_SEPARATE_COMPILATION"]
LINES_SHOWN = 3


def check(tree: Tree, law: Law) -> list[Finding]:
    """Compiles each header that changed, on all cores."""
    del law
    paths = tree.with_suffix((".h",), "cpp/") + tree.with_suffix((".h",), "tests/cpp/")
    if not paths:
        return []
    compiler = os.environ.get("CXX", "g++")
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    generated = _generated_directory(tree)
    cache = tree.root / "build" / "cache" / "headers"
    cache.mkdir(parents=True, exist_ok=True)

    def check_one(path: str) -> list[Finding]:
        stamp = cache / _state_of(tree, path, generated, version.stdout)
        if stamp.exists():
            return []
        error = _compile(tree, path, generated, compiler)
        if error is None:
            stamp.touch()
            return []
        return [
            Finding(
                path, 1, "header-alone", f"does not compile alone, include what it needs:\n{error}"
            )
        ]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [finding for findings in pool.map(check_one, paths) for finding in findings]


def _generated_directory(tree: Tree) -> Path | None:
    """Where the last build put the headers that flatc makes."""
    headers = list(tree.root.glob("build/*/generated/**/*_generated.h"))
    if not headers:
        return None
    # The directories themselves keep the time of their first build.
    newest = max(headers, key=lambda path: path.stat().st_mtime)
    return tree.root / Path(*newest.relative_to(tree.root).parts[:3])


def _state_of(tree: Tree, path: str, generated: Path | None, version: str) -> str:
    """A hash of all that the outcome depends on, but for the headers of others."""
    digest = hashlib.sha256(" ".join([version, *FLAGS]).encode())
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        digest.update(f"{current}\n{tree.text(current)}".encode())
        for include in sorted(includes_of(tree, current), key=lambda include: include.path):
            if include.target:
                waiting.append(include.target)
            elif include.is_generated and generated and (generated / include.path).is_file():
                digest.update((generated / include.path).read_bytes())
    return digest.hexdigest()


def _compile(tree: Tree, path: str, generated: Path | None, compiler: str) -> str | None:
    """None if it compiles, else the first lines of what the compiler says."""
    directories = ["-Icpp", "-Itests/cpp"]
    if generated is not None:
        directories += ["-isystem", str(generated)]
    # Through standard input, so that `#pragma once` does not stand in the main file.
    ran = subprocess.run(
        [compiler, *FLAGS, *directories, "-x", "c++", "-"],
        input=f'#include "{tree.root / path}"\n',
        cwd=tree.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return None
    errors = [line for line in ran.stderr.splitlines() if "error" in line]
    return "\n".join("    " + line for line in errors[:LINES_SHOWN])
