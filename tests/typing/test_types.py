"""What type checkers say of uses of rayx: of right ones nothing, of wrong ones where they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
CORRECT = HERE / "correct_uses.py"
MISTAKES = HERE / "deliberate_mistakes.py"


def marked(path):
    """The lines that are marked, and with what."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "  # mistake: " in line:
            found[number] = line.partition("  # mistake: ")[2]
    return found


def mypy(*paths):
    """(file name, line, code) of each complaint."""
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *map(str, paths)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    return [(Path(name).name, int(line), code) for name, line, code in lines]


@pytest.fixture(scope="module")
def complaints():
    pytest.importorskip("mypy")
    return mypy(CORRECT, MISTAKES)


@pytest.mark.time_limit(300)
def test_correct_uses(complaints):
    assert [one for one in complaints if one[0] == CORRECT.name] == []


@pytest.mark.time_limit(300)
def test_deliberate_mistakes(complaints):
    found = {line: code for name, line, code in complaints if name == MISTAKES.name}
    assert found == marked(MISTAKES)
    assert len(found) >= 30


def pyright(path):
    """(line, rule) of each error of pyright, or of basedpyright which is pyright with a node."""
    program = Path(sys.executable).parent / "basedpyright"
    if not program.exists():
        pytest.skip("basedpyright is not installed: pip install 'rayx[dev]'")
    import json

    command = [str(program), "--outputjson", "--project", str(HERE / "pyright.json"), str(path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [
        (one["range"]["start"]["line"] + 1, one.get("rule"))
        for one in found
        if one["severity"] == "error"
    ]


@pytest.mark.time_limit(300)
def test_correct_uses_by_pyright():
    assert pyright(CORRECT) == []


@pytest.mark.time_limit(300)
def test_deliberate_mistakes_by_pyright():
    # It does not complain of code that is never reached.
    wanted = {line for line, code in marked(MISTAKES).items() if code != "unreachable"}
    assert {line for line, _ in pyright(MISTAKES)} == wanted
