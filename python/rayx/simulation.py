"""Runs one life of a simulated node, and prints what happened: python -m rayx.simulation.

The node's core is the real one; the drivers and workers around it are modelled, and one seed
decides all that they do (tests/sim/README.md). The same seed gives the same life, event by event.
The module that does it is compiled with the tests of rayx, not with the package.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

# All that is held is looked at again and again: 1,000 tasks take half a second, 10,000 a minute.
_TASKS_MAX = 10_000
_TRACE_MAX = 1_000_000
_NAME = "rayx._simulation"
_HOW_TO_GET_IT = (
    "the simulator is not part of this installation: run `make build-tests` in rayx's sources, or "
    "install them with `pip install pybind11 && pip install --no-build-isolation . "
    "-C cmake.define.RAYX_BUILD_SIMULATION=ON`."
)


def load(sources: Path = Path(__file__).parent.parent.parent) -> ModuleType | None:
    """The compiled simulator: of the package or, beside its sources, of their build."""
    if importlib.util.find_spec(_NAME) is not None:
        return importlib.import_module(_NAME)
    for path in sorted(sources.glob("build/*/python/_simulation.*.so")):
        spec = importlib.util.spec_from_file_location(_NAME, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    return None


def describe(report: Any) -> str:
    """What happened, for people: one line a fact."""
    facts = [
        ("tasks", f"{report.tasks}, {report.failed} of them failed by the node"),
        ("of which", f"{report.calls} calls, {report.actors} actors, {report.streams} streams"),
        ("tried again", f"{report.retried}, as their workers died"),
        ("cancelled", f"{report.cancelled}, or their driver died"),
        ("events", f"{report.events} in {report.simulated_ms} ms of simulated time"),
        ("trace", f"{report.trace_hash:016x}"),
    ]
    lines = [f"seed {report.seed}", *(f"  {name:<12} {text}" for name, text in facts)]
    if report.broken:
        lines.append(f"BROKEN {report.broken}")
    else:
        lines.append("Nothing is held, and every task has ended as it should.")
    return "\n".join(lines)


def _number(largest: int) -> Callable[[str], int]:
    """Of a word of the command line: a whole number from 0 to `largest`."""

    def number(word: str) -> int:
        if not word.isdecimal() or int(word) > largest:
            raise argparse.ArgumentTypeError(f"'{word}' is no whole number from 0 to {largest:,}")
        return int(word)

    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 if no rule was broken, 1 if one was, 2 if there is no simulator."""
    parser = argparse.ArgumentParser(prog="python -m rayx.simulation", description=__doc__)
    tasks, trace = _number(_TASKS_MAX), _number(_TRACE_MAX)
    parser.add_argument(
        "--seed", type=_number(2**64 - 1), default=0, help="what decides everything"
    )
    parser.add_argument(
        "--tasks", type=tasks, default=60, help="how many tasks are submitted, about"
    )
    parser.add_argument(
        "--trace", type=trace, default=0, help="how many of the last events to print"
    )
    chosen = parser.parse_args(arguments)
    simulator = load()
    if simulator is None:
        print(_HOW_TO_GET_IT, file=sys.stderr)
        return 2
    report = simulator.simulate(seed=chosen.seed, tasks=chosen.tasks, trace_lines=chosen.trace)
    for line in report.trace:
        print(line)
    print(describe(report))
    if report.broken:
        print(
            f"Run it again: python -m rayx.simulation --tasks {chosen.tasks} "
            f"--seed {chosen.seed} --trace 200"
        )
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
