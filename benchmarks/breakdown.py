"""Where the time of a call goes: by process, and in each by layer.

    python benchmarks/breakdown.py                     # all paths
    python benchmarks/breakdown.py sync put --rounds 5 --json figures.json
    python benchmarks/breakdown.py sync --folded stacks.txt    # for flame graph tools

Runs each path in a session of its own and reads from /proc what its processes used. Then runs it
once more while `perf` (Debian's linux-perf) samples them by the clock, since a virtual machine
seldom has counters of cycles; without `perf` the layers are left out. A process that has just been
given a processor finds its caches cold: that is in these figures, as it is in the calls. Of the
rounds, in which the paths take turns, the one whose calls took the median time is told.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import machine
from profiling import samples
from profiling.usage import Usage, node_of

import rayx

SMALL = {"name": "small", "number": 1, "ratio": 0.5}
BURST = 10_000
KEPT = 1_000
IN_FLIGHT = 200
MIB = 1 << 20


@dataclasses.dataclass
class Breakdown:
    """One path: microseconds a call, what each process used of them, and the layers of that.

    The layers are parts of 1. While they were sampled, a call took `sampled_us`, 0 if none was.
    `range_us` is that of all rounds.
    """

    path: str
    calls: int
    us: float
    usage: dict[str, Usage]
    layers: dict[str, dict[str, float]]
    sampled_us: float
    range_us: tuple[float, float]


# ---- what is run ---------------------------------------------------------------------------------


@rayx.remote
def nothing() -> None:
    """The least that a task can do."""


@rayx.remote
def take(array: Any) -> None:
    """As `nothing`, with an argument."""


@rayx.remote
def make(size: int) -> Any:
    return np.zeros(size, np.uint8)


@rayx.remote
def pid_of_worker() -> int:
    time.sleep(0.05)
    return os.getpid()


@rayx.remote
class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        self.count += 1
        return self.count

    def pid(self) -> int:
        return os.getpid()


#: Makes some calls, and returns how many.
Step = Callable[[], int]


def steps(counter: Any) -> dict[str, Step]:
    """The paths that can be asked for."""
    kept = [rayx.put(SMALL) for _ in range(KEPT)]
    array = np.ones(MIB, np.uint8)

    def one_by_one(remote: Callable[[], Any]) -> Step:
        def step() -> int:
            for _ in range(100):
                rayx.get(remote())
            return 100

        return step

    def at_once(remote: Callable[[], Any]) -> Step:
        def step() -> int:
            rayx.get([remote() for _ in range(BURST)])
            return BURST

        return step

    def put() -> int:
        for _ in range(KEPT):
            rayx.put(SMALL)
        return KEPT

    def get() -> int:
        for object_id in kept:
            rayx.get(object_id)
        return KEPT

    def arguments() -> int:
        rayx.get([take.remote(array) for _ in range(IN_FLIGHT)])
        return IN_FLIGHT

    def results() -> int:
        rayx.get([make.remote(MIB) for _ in range(IN_FLIGHT)])
        return IN_FLIGHT

    return {
        "sync": one_by_one(nothing.remote),
        "burst": at_once(nothing.remote),
        "actor_sync": one_by_one(counter.add.remote),
        "actor_burst": at_once(counter.add.remote),
        "put": put,
        "get": get,
        "arg_1m": arguments,
        "ret_1m": results,
    }


PATHS = ("sync", "burst", "actor_sync", "actor_burst", "put", "get", "arg_1m", "ret_1m")


def measure(path: str, seconds: float, folded: Path | None) -> Breakdown:
    """Runs one path for so long, in a session of its own; and as long again to take samples."""
    with rayx.init() as info:
        counter: Any = Counter.remote()
        workers = set(rayx.get([pid_of_worker.remote() for _ in range(8)]))
        workers.add(rayx.get(counter.pid.remote()))
        processes = {
            "driver": [os.getpid()],
            "node": [node_of(info["supervisor_pid"])],
            "workers": sorted(workers),
        }
        step = steps(counter)[path]
        step()
        before = {name: Usage.of(group) for name, group in processes.items()}
        end = time.perf_counter() + seconds
        calls, us = _run(step, lambda: time.perf_counter() >= end)
        usage = {
            name: Usage.of(group).since(before[name], calls) for name, group in processes.items()
        }
        found = Breakdown(path, calls, us, usage, {}, 0.0, (us, us))
        if samples.can_sample():
            _sample(found, step, seconds, processes, folded)
    return found


def middle(rounds: list[Breakdown]) -> Breakdown:
    """The round of a path whose calls took the median time; of two, the quicker one."""
    ordered = sorted(rounds, key=lambda one: one.us)
    found = ordered[(len(ordered) - 1) // 2]
    return dataclasses.replace(found, range_us=(ordered[0].us, ordered[-1].us))


def _run(step: Step, is_over: Callable[[], bool]) -> tuple[int, float]:
    """How many calls were made, and the microseconds of one."""
    began = time.perf_counter()
    calls = 0
    while calls == 0 or not is_over():
        calls += step()
    return calls, (time.perf_counter() - began) * 1e6 / calls


def _sample(
    found: Breakdown,
    step: Step,
    seconds: float,
    processes: dict[str, list[int]],
    folded: Path | None,
) -> None:
    """Fills in what samples tell."""
    names = {pid: name for name, group in processes.items() for pid in group}
    with tempfile.TemporaryDirectory() as scratch:
        sampler = samples.Sampler(Path(scratch) / "samples", sorted(names), seconds)
        _, found.sampled_us = _run(step, lambda: sampler.is_over)
        taken = sampler.samples()
    found.layers = samples.shares(taken, names)
    if folded is not None:
        folded.write_text("".join(f"{line}\n" for line in samples.fold(taken, names)))


# ---- what is said --------------------------------------------------------------------------------


def report(found: list[Breakdown], measured: str) -> str:
    """Markdown: how it was measured, the table, and what sampling itself has cost."""
    parts = [measured, table(found)]
    slowed = [one for one in found if one.sampled_us]
    if slowed:
        worst = max(slowed, key=lambda one: one.sampled_us / one.us)
        parts.append(
            "The times are of calls that were not sampled. Sampling made them longer by up to "
            f"{max(0.0, worst.sampled_us / worst.us - 1):.0%} ({worst.path})."
        )
    return "\n\n".join(parts)


def table(found: list[Breakdown]) -> str:
    """Markdown: a line for each process of each path. Layers under 3% are left out."""
    lines = [
        "| path | a call | process | on a CPU | waits for one | switches | of that on a CPU, µs |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        path, wall = one.path, f"{one.us:.1f} µs"
        if one.range_us[0] < one.range_us[1]:
            wall += f" [{one.range_us[0]:.1f}..{one.range_us[1]:.1f}]"
        for name, usage in one.usage.items():
            layers = one.layers.get(name, {}) if usage.run_us >= 0.05 else {}
            told = ", ".join(
                f"{layer} {part * usage.run_us:.{1 if one.us >= 10 else 2}f}"
                for layer, part in layers.items()
                if part >= 0.03
            )
            lines.append(
                f"| {path} | {wall} | {name} | {usage.run_us:.1f} µs | {usage.wait_us:.1f} µs "
                f"| {usage.switches:.2f} | {told} |"
            )
            path = wall = ""
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", metavar="path", help=", ".join(PATHS))
    parser.add_argument("--seconds", type=float, default=2.0, help="for each path and round")
    parser.add_argument("--rounds", type=int, default=3, help="in which all paths take turns")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument(
        "--folded", type=Path, help="where to write the stacks of one path, of the last round"
    )
    given = parser.parse_args()
    paths = given.paths or PATHS
    unknown = sorted(set(paths) - set(PATHS))
    if unknown:
        parser.error(f"there is no path {unknown[0]!r}; choose from {', '.join(PATHS)}")
    if given.rounds < 1:
        parser.error("--rounds wants at least one")
    if given.folded is not None and len(paths) != 1:
        parser.error("--folded wants one path")
    if given.folded is not None and not samples.can_sample():
        parser.error("--folded wants perf (Debian's linux-perf)")
    if not samples.can_sample():
        print("There is no perf (Debian's linux-perf): the layers are left out.\n")
    elif not samples.samples_the_machine():
        print("perf may not sample whole processors here: sampling makes round trips longer.\n")
    command = shlex.join(["python", "benchmarks/breakdown.py", *sys.argv[1:]])
    measured = f"`{command}`, {time.strftime('%Y-%m-%d')}: {machine.words()}."
    rounds = [
        [measure(path, given.seconds, given.folded) for path in paths] for _ in range(given.rounds)
    ]
    found = [middle(list(of_path)) for of_path in zip(*rounds, strict=True)]
    print(report(found, measured))
    if given.json is not None:
        given.json.write_text(json.dumps([dataclasses.asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()
