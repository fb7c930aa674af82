"""Tasks that do nothing: what the backend itself costs."""

from __future__ import annotations

import time
from pathlib import Path

from peers import workload
from peers.backends.interface import Submit
from peers.steps.session import Figures, Session, expect
from peers.steps.timing import call_times, median_seconds, percentile_us, rate

_BURST = 10_000
_QUEUE = 100_000
_MANY = 1_000


def task_sync(session: Session) -> Figures:
    """One task at a time."""
    submit, get_one = session.backend.remote(workload.noop), session.backend.get_one
    taken = call_times(lambda: get_one(submit()), times=5_000, budget_s=3)
    return {
        "task_sync_per_s": rate(taken),
        "task_sync_p50_us": percentile_us(taken, 50),
        "task_sync_p99_us": percentile_us(taken, 99),
    }


def task_async(session: Session) -> Figures:
    """Bursts; their medians."""
    submit = session.backend.remote(workload.noop)
    _burst(session, submit, _MANY)
    submitting: list[float] = []
    total_s = median_seconds(
        lambda: submitting.append(_burst(session, submit, _BURST)), times=3, budget_s=6
    )
    return {
        "task_async_per_s": _BURST / total_s,
        "task_submit_us": sorted(submitting)[len(submitting) // 2] / _BURST * 1e6,
    }


def queue_10k(session: Session) -> Figures:
    """What queue_100k is to be compared with: a session's first large burst as well."""
    submit = session.backend.remote(workload.noop)
    _burst(session, submit, _MANY)
    started = time.perf_counter()
    _burst(session, submit, _BURST)
    return {"queue_10k_per_s": _BURST / (time.perf_counter() - started)}


def queue_100k(session: Session) -> Figures:
    """A burst that is ten times longer, and what the driver keeps for it meanwhile."""
    submit = session.backend.remote(workload.noop)
    _burst(session, submit, _MANY)
    reset_peak_memory()
    before = memory_bytes("VmRSS")
    started = time.perf_counter()
    _burst(session, submit, _QUEUE)
    total_s = time.perf_counter() - started
    peak = memory_bytes("VmHWM")
    return {
        "queue_100k_per_s": _QUEUE / total_s,
        "queue_100k_peak_rss_mb": peak / 1e6,
        "queue_100k_bytes_per_task": max(0, peak - before) / _QUEUE,
    }


def nested(session: Session) -> Figures:
    """A task on each of two workers submits and gets many."""
    submit, get = session.backend.nested(), session.backend.get

    def both() -> None:
        expect(get([submit(_MANY), submit(_MANY)]), [_MANY, _MANY])

    both()
    return {"nested_task_per_s": 2 * _MANY / median_seconds(both, times=3, budget_s=6)}


def wait_1k(session: Session) -> Figures:
    """Takes what is there, waits for the rest, as the reference's programs do."""
    backend = session.backend
    submit = backend.remote(workload.noop)
    backend.wait_any([submit()])

    def take_all() -> None:
        pending = [submit() for _ in range(_MANY)]
        left = backend.wait_any(pending)
        while left:
            left = backend.wait_any(left)

    return {"wait_1k_refs_s": median_seconds(take_all, times=3, budget_s=6)}


def task_1k_args(session: Session) -> Figures:
    """References of objects that are there."""
    backend = session.backend
    references = [backend.put(number) for number in range(_MANY)]
    submit = backend.remote(workload.count_arguments)

    def call() -> None:
        expect(backend.get_one(submit(*references)), _MANY)

    call()
    return {"task_1k_args_s": median_seconds(call, times=5, budget_s=3)}


def task_1k_returns(session: Session) -> Figures:
    """Results that are small numbers."""
    backend = session.backend
    submit = backend.remote_with_returns(workload.numbers, _MANY)

    def call() -> None:
        expect(backend.get(submit(_MANY)), list(range(_MANY)))

    call()
    return {"task_1k_returns_s": median_seconds(call, times=5, budget_s=3)}


def _burst(session: Session, submit: Submit, count: int) -> float:
    """Submits and gets; returns the seconds of submitting alone."""
    started = time.perf_counter()
    references = [submit() for _ in range(count)]
    submitting_s = time.perf_counter() - started
    expect(len(session.backend.get(references)), count)
    return submitting_s


def reset_peak_memory() -> None:
    """Forgets the peak of this process' memory so far."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_bytes(field: str) -> int:
    """VmRSS or VmHWM of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(field)
