"""What type checkers say of uses of rayx: of right ones nothing, of wrong ones where they are.

mypy is strict (pyproject.toml); both see the package as it lies in python/.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
CORRECT = HERE / "correct_uses.py"
MISTAKES = HERE / "deliberate_mistakes.py"
# pyright reads the sources of a framework for minutes: examples with one are left out.
EXCLUDED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["pyright"]["exclude"]
EXAMPLES = [
    path
    for path in sorted((PROJECT / "examples").rglob("*.py"))
    if not any(path.is_relative_to(PROJECT / excluded) for excluded in EXCLUDED)
]
# Examples without a type on every parameter, and with modules of the same name in several folders,
# are for pyright, which checks what is typed; mypy sees those that are strict.
STRICT = sorted((PROJECT / "examples" / "hyperopt").glob("*.py"))

# A checker that starts for the first time reads the standard library.
pytestmark = pytest.mark.time_limit(300)


def marked(path):
    """The lines that are marked, and with what."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "  # mistake: " in line:
            found[number] = line.partition("  # mistake: ")[2]
    return found


def run(module, *arguments):
    """What a checker prints; its exit code is 1 if it complains, and more if it failed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    # Examples find what they share (harness) in the folder above theirs.
    environment = {**os.environ, "MYPYPATH": str(PROJECT / "examples")}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def by_mypy():
    """(path, line, code) of each complaint."""
    pytest.importorskip("mypy", reason="pip install 'rayx[dev]'")
    printed = run("mypy", "--config-file", "pyproject.toml", CORRECT, MISTAKES, *STRICT)
    found = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", printed, re.MULTILINE)
    assert len(found) == printed.count(": error: ")
    return [(PROJECT / path, int(line), code) for path, line, code in found]


@pytest.fixture(scope="module")
def by_pyright():
    """(path, line, message) of each complaint."""
    pytest.importorskip("pyright", reason="pip install 'rayx[dev]'")
    checked = [CORRECT, MISTAKES, *EXAMPLES]
    printed = run("pyright", "--outputjson", "--pythonpath", sys.executable, *checked)
    report = json.loads(printed)
    assert report["summary"]["filesAnalyzed"] == len(checked)
    return [
        (Path(one["file"]), one["range"]["start"]["line"] + 1, one["message"])
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    ]


def test_there_are_examples_and_mistakes():
    assert EXAMPLES
    assert len(marked(MISTAKES)) >= 90


def named(path):
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", [CORRECT, *STRICT], ids=named)
def test_correct_uses_by_mypy(by_mypy, path):
    assert [one for one in by_mypy if one[0] == path] == []


@pytest.mark.parametrize("path", [CORRECT, *EXAMPLES], ids=named)
def test_correct_uses_by_pyright(by_pyright, path):
    assert [one for one in by_pyright if one[0] == path] == []


def test_deliberate_mistakes_by_mypy(by_mypy):
    assert {line: code for path, line, code in by_mypy if path == MISTAKES} == marked(MISTAKES)


def test_deliberate_mistakes_by_pyright(by_pyright):
    assert {line for path, line, _ in by_pyright if path == MISTAKES} == set(marked(MISTAKES))


def test_nothing_else_is_complained_of(by_mypy, by_pyright):
    complained_of = {path for path, *_ in by_mypy + by_pyright}
    assert complained_of <= {CORRECT, MISTAKES, *EXAMPLES}
