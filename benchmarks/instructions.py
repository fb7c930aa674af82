"""How many instructions an iteration of each C++ microbenchmark takes.

    python benchmarks/instructions.py                     # all that are built
    python benchmarks/instructions.py Frames TaskSpec --json before.json
    python benchmarks/instructions.py Frames TaskSpec --against before.json

Counts with valgrind's callgrind what the timed loop executes when it makes some iterations and when
it makes ten times as many, and divides the difference. Other programs on the machine do not change
that, nor does its clock, so a change of half a percent is one. What it does not tell: caches,
branches, the kernel. Not counted is node_bench, whose threads wait for each other for as long as it
takes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

#: google-benchmark runs the loop once, and then, as long as it is far from its minimum of time,
#: with ten times as many iterations each time. It is ended after the third of these loops; after
#: the second if that has executed enough instructions, a second of valgrind's time.
GROWTH = 10
LOOPS = 3
ENOUGH = 50_000_000
_FOR_EVER = "--benchmark_min_time=1e6"
_ONE_LOOP = "--benchmark_min_time=0"
_LEFT_OUT = ("node_bench",)

_BEGIN = "benchmark::State::ResumeTiming*"
_PAUSE = "benchmark::State::PauseTiming*"
_END = "benchmark::State::FinishKeepRunning*"
_TRIGGER = re.compile(r"^desc: Trigger: (.*)$", re.MULTILINE)
_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Dump:
    """What callgrind counted until it met a function."""

    before: str
    instructions: int

    @property
    def ends_a_loop(self) -> bool:
        return "FinishKeepRunning" in self.before


def parse_dump(text: str) -> Dump | None:
    """None while callgrind still writes it: the totals come last."""
    trigger, totals = _TRIGGER.search(text), _TOTALS.search(text)
    if trigger is None or totals is None:
        return None
    return Dump(trigger[1].removeprefix("--dump-before="), int(totals[1]))


def loops(dumps: Iterable[Dump]) -> Iterator[int]:
    """The instructions of each loop, as they end; the time of a loop may be paused within it."""
    total = 0
    for dump in dumps:
        total += dump.instructions
        if dump.ends_a_loop:
            yield total
            total = 0


def is_enough(counted: list[int]) -> bool:
    """Whether these loops tell what an iteration takes."""
    return len(counted) == LOOPS or (len(counted) > 1 and counted[-1] >= ENOUGH)


def of_an_iteration(counted: list[int], iterations: int) -> float:
    """From the last two loops, so that what they begin and end with cancels out.

    The first of the loops made so many iterations.
    """
    earlier = float(iterations * GROWTH ** (len(counted) - 2))
    return (counted[-1] - counted[-2]) / (earlier * (GROWTH - 1))


# ---- running -------------------------------------------------------------------------------------


def names_in(program: Path) -> list[str]:
    """The benchmarks of a program."""
    command = [str(program), "--benchmark_list_tests=true"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def iterations_of_first_loop(program: Path, name: str) -> int:
    """1, or as many as the benchmark makes at least: some make a batch of them at once."""
    command = [str(program), _filter(name), _ONE_LOOP, "--benchmark_format=json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(ran.stdout)["benchmarks"][0]["iterations"])


def count(program: Path, name: str, time_limit: float) -> float | None:
    """The instructions of an iteration; None if the loops did not end within so many seconds."""
    iterations = iterations_of_first_loop(program, name)
    counted: list[int] = []
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [
                *("valgrind", "--tool=callgrind", "--quiet", "--callgrind-out-file=counted"),
                *(f"--zero-before={_BEGIN}", f"--dump-before={_PAUSE}", f"--dump-before={_END}"),
                *(str(program), _filter(name), _FOR_EVER),
            ],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for total in loops(_dumps(Path(directory), process, time.monotonic() + time_limit)):
                counted.append(total)
                if is_enough(counted):
                    return of_an_iteration(counted, iterations)
        finally:
            process.kill()
            process.wait()
    return None


def _filter(name: str) -> str:
    return f"--benchmark_filter=^{re.escape(name)}$"


def _dumps(directory: Path, process: subprocess.Popen[bytes], deadline: float) -> Iterator[Dump]:
    """Each, as soon as it has been written."""
    number = 1
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        file = directory / f"counted.{number}"
        dump = parse_dump(file.read_text()) if file.exists() else None
        if dump is not None:
            number += 1
            yield dump
        elif has_ended:
            raise SystemExit(f"valgrind ended with {process.returncode}: {process.args!r}")
        else:
            time.sleep(0.02)


# ---- what is said --------------------------------------------------------------------------------


def table(found: dict[str, float | None], before: dict[str, float | None]) -> str:
    """Markdown: a line for each benchmark, with what it was before if that is known."""
    lines = ["| benchmark | instructions of an iteration |", "| --- | --- |"]
    if before:
        lines = ["| benchmark | instructions of an iteration | before | change |"]
        lines.append("| --- | --- | --- | --- |")
    for name, now in found.items():
        cells = [name, _number(now)]
        if before:
            was = before.get(name)
            cells += [_number(was), _change(was, now) if now and was else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "not counted"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _change(was: float, now: float) -> str:
    told = f"{now / was - 1:+.1%}"
    return "none" if told in ("+0.0%", "-0.0%") else told


def _programs(directory: Path) -> list[Path]:
    found = sorted(directory.glob("*_bench"))
    if not found:
        raise SystemExit(
            f"There are no benchmarks in {directory}; "
            "build them: cmake --build build/editable --target benchmarks"
        )
    return [program for program in found if program.name not in _LEFT_OUT]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help="a part of a benchmark's name")
    parser.add_argument("--programs", type=Path, default=TOP / "build" / "editable" / "benchmarks")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--against", type=Path, help="figures to compare with, from --json")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("There is no valgrind (Debian's valgrind), which counts the instructions.")
    before = json.loads(given.against.read_text()) if given.against is not None else {}
    found: dict[str, float | None] = {}
    for program in _programs(given.programs.resolve()):
        for name in names_in(program):
            if not given.names or any(part in name for part in given.names):
                print(f"{program.name}: {name}", file=sys.stderr)
                found[name] = count(program, name, given.time_limit)
    print(table(found, before))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
