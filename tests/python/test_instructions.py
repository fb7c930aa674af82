"""benchmarks/instructions.py: what it makes of callgrind's files, and how it runs programs."""

import json
import shutil
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import instructions  # noqa: E402
from instructions import Dump  # noqa: E402

PAUSE = "benchmark::State::PauseTiming()"
END = "benchmark::State::FinishKeepRunning()"
DUMP = f"""\
# callgrind format
version: 1
part: 2
desc: Trigger: --dump-before={END}
events: Ir
summary: 5239
"""

# In place of valgrind: what it writes for a program that pauses, and then it runs for ever.
VALGRIND = """\
#!{python}
import signal
import sys

befores = [word.partition("=")[2] for word in sys.argv if word.startswith("--dump-before")]
assert [before.rstrip("*") + "()" for before in befores] == [{pause!r}, {end!r}], befores
assert "--benchmark_filter=^Pauses/1$" in sys.argv, sys.argv
for number, (before, totals) in enumerate({dumps!r}, 1):
    with open(f"counted.{{number}}", "w") as file:
        file.write(f"desc: Trigger: --dump-before={{before}}\\ntotals: {{totals}}\\n")
if {end_at!r} == "at once":
    sys.exit(3)
signal.pause()
"""
# In place of a program of benchmarks: what it says of itself, and after one loop of a batch of 4.
PROGRAM = """\
#!{python}
import json
import sys

if "--benchmark_list_tests=true" in sys.argv:
    print("Pauses/1")
    print("Runs")
else:
    assert "--benchmark_min_time=0" in sys.argv
    print(json.dumps({{"benchmarks": [{{"name": "Pauses/1", "iterations": 4}}]}}))
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Makes both programs, in a directory that is first in PATH."""

    def make(dumps, end_at="never"):
        words = {"python": sys.executable, "pause": PAUSE, "end": END, "end_at": end_at}
        for name, text in (("valgrind", VALGRIND), ("some_bench", PROGRAM)):
            (tmp_path / name).write_text(text.format(dumps=dumps, **words))
            (tmp_path / name).chmod(0o755)
        return tmp_path / "some_bench"

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return make


# ---- figures -------------------------------------------------------------------------------------


def test_a_dump_is_read_when_it_is_whole():
    assert instructions.parse_dump("") is None
    assert instructions.parse_dump(DUMP) is None
    assert instructions.parse_dump(DUMP + "totals: 5239\n") == Dump(END, 5239)


def test_a_loop_may_be_paused():
    dumps = [Dump(END, 7), Dump(PAUSE, 5), Dump(PAUSE, 5), Dump(END, 1), Dump(PAUSE, 100)]
    assert list(instructions.loops(dumps)) == [7, 11]


def test_three_loops_are_enough_or_two_that_are_long():
    enough = instructions.ENOUGH
    assert not instructions.is_enough([enough])
    assert not instructions.is_enough([10, 100])
    assert instructions.is_enough([10, enough])
    assert instructions.is_enough([10, 100, 1000])


def test_what_a_loop_begins_with_is_not_of_its_iterations():
    assert instructions.of_an_iteration([5000, 1030, 10030], 1) == 100
    assert instructions.of_an_iteration([5000, 400_030, 4_000_030], 4000) == 10
    assert instructions.of_an_iteration([130, 1030], 1) == 100


def test_table():
    found = {"Few": 12.34, "Many": 12345.6, "Slow": None, "New": 7.0}
    assert instructions.table(found, {}).splitlines()[2:4] == [
        "| Few | 12.3 |",
        "| Many | 12,346 |",
    ]
    before = {"Few": 12.34, "Many": 10000.0, "Slow": 5.0}
    assert instructions.table(found, before).splitlines()[2:] == [
        "| Few | 12.3 | 12.3 | none |",
        "| Many | 12,346 | 10,000 | +23.5% |",
        "| Slow | not counted | 5.0 |  |",
        "| New | 7.0 | not counted |  |",
    ]


# ---- running -------------------------------------------------------------------------------------


def test_a_program_is_ended_when_enough_is_known(place):
    ends = [(PAUSE, 1000), (END, 40), (PAUSE, 2000), (PAUSE, 2000), (END, 40), (END, 40_040)]
    program = place(ends)
    assert instructions.names_in(program) == ["Pauses/1", "Runs"]
    assert instructions.count(program, "Pauses/1", 60) == (40_040 - 4_040) / 360


def test_loops_that_take_too_long_are_not_counted(place):
    assert instructions.count(place([(END, 40)]), "Pauses/1", 0.2) is None


def test_a_valgrind_that_ends_is_an_error(place):
    with pytest.raises(SystemExit, match="valgrind ended with 3"):
        instructions.count(place([(END, 40)], "at once"), "Pauses/1", 60)


def test_the_command(place, tmp_path, monkeypatch, capsys):
    place([(END, 10), (END, 100), (END, 1000)])
    figures = tmp_path / "figures.json"
    figures.write_text('{"Pauses/1": 5.0}')
    line = f"instructions.py Pauses --programs {tmp_path} --json {figures} --against {figures}"
    monkeypatch.setattr(sys, "argv", line.split())
    instructions.main()
    assert "| Pauses/1 | 2.5 | 5.0 | -50.0% |" in capsys.readouterr().out
    assert json.loads(figures.read_text()) == {"Pauses/1": 2.5}


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["instructions.py"])
    with pytest.raises(SystemExit, match="no valgrind"):
        instructions.main()
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(sys, "argv", ["instructions.py", "--programs", str(tmp_path)])
    with pytest.raises(SystemExit, match="There are no benchmarks in"):
        instructions.main()
