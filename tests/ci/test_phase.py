"""ci/phase.sh: a line a phase, and all that a command has said when it fails."""

import os
import re
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parents[2] / "ci"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "V": "", **environment}
    command = [str(CI / "phase.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30)


def test_a_phase_is_one_line_with_its_time():
    done = run("Count", "echo", "one two")
    assert done.returncode == 0
    assert re.fullmatch(r"Count: \d+\.\d s\n", done.stdout)
    assert done.stderr == ""


def test_all_is_shown_when_told():
    done = run("Count", "echo", "one two", V="1")
    assert re.fullmatch(r"Count: echo one two\none two\nCount: \d+\.\d s\n", done.stdout)


@pytest.mark.parametrize("shows_all", ["", "1"])
def test_a_failure_keeps_its_code_and_what_was_printed(shows_all):
    done = run("Fail", "sh", "-c", "echo out; echo err >&2; exit 7", V=shows_all)
    assert done.returncode == 7
    assert {"out", "err"} <= set((done.stdout + done.stderr).split("\n"))


def test_a_failure_names_the_command():
    done = run("Fail", "false", "argument")
    assert "Fail: failed with exit code 1" in done.stderr
    assert "false argument" in done.stderr


def test_a_phase_without_a_command_is_refused():
    assert run("Count").returncode == 2
