"""The example that `make demo` runs, with a few trials."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "hyperopt" / "main.py"


@pytest.mark.time_limit(90)
def test_a_few_trials():
    pytest.importorskip("sklearn")
    command = [sys.executable, str(EXAMPLE), "--trials", "6", "--seed", "1", "--num-cpus", "2"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    assert "6 of 6 trials, best accuracy so far" in run.stdout
    table = re.findall(r"^ +(\d+) +(0\.\d{4}) +\d+\.\d+ +\d+ +\S+ +\d+$", run.stdout, re.MULTILINE)
    assert len(table) == 5
    accuracies = [float(accuracy) for _, accuracy in table]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.8, "worse than a network that has learnt something"
    assert re.search(r"on 2 CPUs .*: \d+\.\d+ times as fast", run.stdout)
    assert "the accuracies are identical" in run.stdout


def test_nonsense_is_refused():
    for arguments in (["--trials", "0"], ["--trials", "x"], ["--num-cpus", "0"]):
        run = subprocess.run(
            [sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True
        )
        assert run.returncode == 2, run.stdout + run.stderr
        assert "usage:" in run.stderr
