"""rayx.simulation: one life of a simulated node from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from rayx import simulation

needs_module = pytest.mark.skipif(
    simulation.load() is None, reason="the C++ tests, and the simulator with them, are not built"
)


@needs_module
class TestCommand:
    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "rayx.simulation", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def test_a_life_is_the_same_each_time(self):
        first = self.run("--tasks", "1000", "--seed", "7")
        assert first.returncode == 0, first.stdout + first.stderr
        assert first.stdout.startswith("seed 7\n")
        assert "every task has ended as it should" in first.stdout
        assert self.run("--tasks", "1000", "--seed", "7").stdout == first.stdout

    def test_the_last_events_are_printed(self):
        lines = self.run("--seed", "1", "--trace", "5").stdout.splitlines()
        assert lines[5] == "seed 1"
        assert all(" ms: " in line for line in lines[:5])


@needs_module
def test_a_report_counts_what_happened():
    simulator = simulation.load()
    assert simulator is not None
    report = simulator.simulate(seed=3, tasks=200)
    assert report.seed == 3
    assert 0 < report.tasks <= 200
    assert report.broken == ""
    assert report.trace == []
    assert report.trace_hash == simulator.simulate(seed=3, tasks=200).trace_hash


@pytest.mark.parametrize(
    "words", [("--tasks", "-5"), ("--tasks", "x"), ("--tasks", "9" * 20), ("--seed", str(2**64))]
)
def test_what_is_no_number_it_can_take_is_told(words, capsys):
    with pytest.raises(SystemExit) as ending:
        simulation.main(words)
    assert ending.value.code == 2
    assert f"'{words[1]}' is no whole number from 0 to " in capsys.readouterr().err


class Broken:
    """A report of a life in which a rule was broken."""

    seed, tasks, failed, calls, actors, streams = 7, 60, 5, 10, 3, 2
    retried, cancelled, events, simulated_ms, trace_hash = 1, 2, 900, 5000, 255
    trace = ("1 ms: c1 submits t1",)
    broken = "at 5 ms: t1 ended twice"


class TestBroken:
    def simulate(self, **_arguments):
        return Broken()

    def test_it_says_how_to_run_it_again(self, monkeypatch, capsys):
        monkeypatch.setattr(simulation, "load", lambda: self)
        assert simulation.main(["--seed", "7"]) == 1
        out = capsys.readouterr().out
        assert "BROKEN at 5 ms: t1 ended twice" in out
        assert "python -m rayx.simulation --tasks 60 --seed 7 --trace 200" in out


def test_without_the_module_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(simulation, "load", lambda: None)
    assert simulation.main([]) == 2
    said = capsys.readouterr().err
    assert "make build-tests" in said
    assert "RAYX_BUILD_SIMULATION=ON" in said
    assert len(said.strip().splitlines()) == 1


def test_nothing_is_found_where_nothing_was_built(tmp_path: Path):
    if simulation.importlib.util.find_spec("rayx._simulation") is None:
        assert simulation.load(tmp_path) is None
