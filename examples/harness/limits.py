"""What several processes at a time can gain on this machine, whatever engine starts them.

    python examples/harness/limits.py

Processors that a machine shows may share a core, with its units for arithmetic, its caches and its
way to the memory. So twice as many processes do not do twice as much, least of all of what keeps a
core busy: products of matrices. Prints how many times as fast, by kind of work, as JSON.
"""

import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

ROUNDS = 5
SECONDS = 0.3
SIZE = 512

Work = Callable[[], object]


def main() -> int:
    """Measures each kind of work."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import numpy as np

    matrix = np.random.default_rng(0).random((SIZE, SIZE))
    works: dict[str, Work] = {
        "loops of Python": lambda: sum(number * number for number in range(20_000)),
        "products of matrices": lambda: matrix @ matrix,
    }
    processes = len(os.sched_getaffinity(0))
    gains = {name: round(gain(work, processes), 2) for name, work in works.items()}
    print(json.dumps({"processes": processes, "gains": gains}))
    return 0


def gain(work: Work, processes: int) -> float:
    """How many times as much `processes` do together as one does alone; a median of rounds."""
    gains = []
    for _ in range(ROUNDS):
        alone = sum(rates(work, 1))
        gains.append(sum(rates(work, processes)) / alone)
    return statistics.median(gains)


def rates(work: Work, processes: int) -> list[float]:
    """How often a second each of so many processes does it, all at the same time."""
    context = multiprocessing.get_context("fork")
    all_there = context.Barrier(processes)
    results: Any = context.SimpleQueue()
    started = [
        context.Process(target=repeat, args=(work, all_there, results)) for _ in range(processes)
    ]
    for process in started:
        process.start()
    found = [results.get() for _ in started]
    for process in started:
        process.join()
    return found


def repeat(work: Work, all_there: Barrier, results: Any) -> None:
    """In a process of its own: the work again and again, for a while."""
    work()
    all_there.wait()
    times = 0
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        work()
        times += 1
    results.put(times / (time.perf_counter() - began))


if __name__ == "__main__":
    sys.exit(main())
