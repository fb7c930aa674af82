"""The programs that know more of one subject than we do: clang-format, ruff, mypy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from checks.finding import Finding
from checks.law import Law
from checks.tree import CPP_SUFFIXES, Tree

_CLANG_FORMAT_ERROR = re.compile(r"^(\S+?):(\d+):\d+: error:", re.MULTILINE)


def check(tree: Tree, law: Law) -> list[Finding]:
    """Runs each that is installed; says which is not."""
    del law
    findings = []
    findings += _clang_format(tree)
    findings += _run(
        tree,
        ["ruff", "check", "--quiet", "--output-format=concise", "."],
        "mend it, or try `make format`",
    )
    findings += _run(
        tree, ["ruff", "format", "--quiet", "--check", "--diff", "."], "run `make format`"
    )
    if tree.exists("python/rayx/__init__.py"):
        findings += _run(tree, ["mypy"], "mend the types")
    return findings


def _clang_format(tree: Tree) -> list[Finding]:
    """One finding a file, at the first line that is not formatted."""
    program = _program("clang-format")
    sources = tree.with_suffix(CPP_SUFFIXES)
    if program is None or not sources:
        return []
    command = [program, "--dry-run", "-Werror", *sources]
    ran = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    first_lines: dict[str, int] = {}
    for path, line in _CLANG_FORMAT_ERROR.findall(ran.stderr):
        first_lines.setdefault(path, int(line))
    return [
        Finding(path, line, "clang-format", "not formatted, run `make format`")
        for path, line in first_lines.items()
    ]


def _run(tree: Tree, command: list[str], advice: str) -> list[Finding]:
    program = _program(command[0])
    if program is None:
        return []
    ran = subprocess.run(
        [program, *command[1:]], cwd=tree.root, capture_output=True, text=True, check=False
    )
    if ran.returncode == 0:
        return []
    print(ran.stdout, end="")
    print(ran.stderr, end="", file=sys.stderr)
    return [
        Finding(".", 1, command[0], f"`{' '.join(command[:3])}` found what stands above; {advice}")
    ]


def _program(name: str) -> str | None:
    program = _find(name)
    if program is None:
        print(f"tidy: {name} is not installed, skipped (`make tidy` has it)")
    return program


def _find(name: str) -> str | None:
    """Beside this Python first: the versions of the virtual environment are the project's."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)
