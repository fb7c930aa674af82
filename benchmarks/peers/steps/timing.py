"""Taking times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

_WARM_CALLS = 100


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def median_seconds(action: Callable[[], object], times: int, budget_s: float) -> float:
    """The median of a few runs; fewer (but one) where they take longer than the budget."""
    taken: list[float] = []
    while len(taken) < times and (not taken or sum(taken) < budget_s):
        taken.append(seconds(action))
    return statistics.median(taken)


def call_times(call: Callable[[], object], times: int, budget_s: float) -> list[float]:
    """The seconds of each of many calls in a row, after some to warm up."""
    clock = time.perf_counter
    deadline = clock() + budget_s
    for _ in range(_WARM_CALLS):
        call()
        if clock() > deadline:
            break
    taken: list[float] = []
    deadline = clock() + budget_s
    before = clock()
    for _ in range(times):
        call()
        after = clock()
        taken.append(after - before)
        before = after
        if after > deadline:
            break
    return taken


def rate(taken: list[float]) -> float:
    """Calls a second."""
    return len(taken) / sum(taken)


def percentile_us(taken: list[float], percent: float) -> float:
    """The smallest time that so many percent of the calls did not exceed, in µs."""
    ordered = sorted(taken)
    index = -(-len(ordered) * percent // 100) - 1
    return ordered[max(0, int(index))] * 1e6
