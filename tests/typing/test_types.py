"""What type checkers say of uses of rayx: of right ones nothing, of wrong ones where they are.

mypy is strict (pyproject.toml); both see the package as it lies in python/.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
CORRECT = HERE / "correct_uses.py"
MISTAKES = HERE / "deliberate_mistakes.py"
EXAMPLES = sorted((PROJECT / "examples").rglob("*.py"))
CHECKED = [CORRECT, MISTAKES, *EXAMPLES]

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
    command = [sys.executable, "-m", module, *arguments, *map(str, CHECKED)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def by_mypy():
    """(path, line, code) of each complaint."""
    pytest.importorskip("mypy", reason="pip install 'rayx[dev]'")
    printed = run("mypy", "--config-file", "pyproject.toml")
    found = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", printed, re.MULTILINE)
    assert len(found) == printed.count(": error: ")
    return [(PROJECT / path, int(line), code) for path, line, code in found]


@pytest.fixture(scope="module")
def by_pyright():
    """(path, line, message) of each complaint."""
    pytest.importorskip("pyright", reason="pip install 'rayx[dev]'")
    printed = run("pyright", "--outputjson", "--pythonpath", sys.executable)
    report = json.loads(printed)
    assert report["summary"]["filesAnalyzed"] == len(CHECKED)
    return [
        (Path(one["file"]), one["range"]["start"]["line"] + 1, one["message"])
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    ]


def test_there_are_examples_and_mistakes():
    assert EXAMPLES
    assert len(marked(MISTAKES)) >= 90


@pytest.mark.parametrize("path", [CORRECT, *EXAMPLES], ids=lambda path: path.name)
def test_correct_uses_by_mypy(by_mypy, path):
    assert [one for one in by_mypy if one[0] == path] == []


@pytest.mark.parametrize("path", [CORRECT, *EXAMPLES], ids=lambda path: path.name)
def test_correct_uses_by_pyright(by_pyright, path):
    assert [one for one in by_pyright if one[0] == path] == []


def test_deliberate_mistakes_by_mypy(by_mypy):
    assert {line: code for path, line, code in by_mypy if path == MISTAKES} == marked(MISTAKES)


def test_deliberate_mistakes_by_pyright(by_pyright):
    assert {line for path, line, _ in by_pyright if path == MISTAKES} == set(marked(MISTAKES))


def test_nothing_else_is_complained_of(by_mypy, by_pyright):
    complained_of = {path for path, *_ in by_mypy + by_pyright}
    assert complained_of <= set(CHECKED)
