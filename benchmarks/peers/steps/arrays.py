"""Large arrays, into the store and out of it."""

from __future__ import annotations

import statistics
import time
from typing import Any

from peers.backends.interface import Backend
from peers.steps.session import Figures, Session, expect
from peers.steps.timing import median_seconds

_MEBIBYTE = 1 << 20
_DOUBLE_BYTES = 8
# Some backends free a dropped object a little later, in another process.
_SETTLE_S = 0.05


def put_100m(session: Session) -> Figures:
    """The first put, later ones, and the copy that none of them can do without."""
    array = _array(100)
    cold_s, reference = _timed_put(session.backend, array)
    _drop(session.backend, reference)
    warm_s = _median_put(session.backend, array, times=5)
    copy = array.copy()
    copy_s = median_seconds(lambda: _copy(copy, array), times=5, budget_s=2)
    return {
        "put_100m_cold_gb_per_s": array.nbytes / cold_s / 1e9,
        "put_100m_gb_per_s": array.nbytes / warm_s / 1e9,
        "memcpy_gb_per_s": array.nbytes / copy_s / 1e9,
        "put_100m_per_memcpy": copy_s / warm_s,
    }


def put_800m(session: Session) -> Figures:
    """As large objects go, this one is larger than any cache."""
    array = _array(800)
    _, reference = _timed_put(session.backend, array)
    _drop(session.backend, reference)
    warm_s = _median_put(session.backend, array, times=3)
    return {"put_800m_gb_per_s": array.nbytes / warm_s / 1e9}


def get_arrays(session: Session) -> Figures:
    """An array that is shared costs the same whatever its size."""
    return {
        "get_1m_us": _median_get_us(session.backend, 1),
        "get_100m_us": _median_get_us(session.backend, 100),
        "get_800m_us": _median_get_us(session.backend, 800),
    }


def _median_put(backend: Backend, array: Any, times: int) -> float:
    taken = []
    for _ in range(times):
        put_s, reference = _timed_put(backend, array)
        taken.append(put_s)
        _drop(backend, reference)
        del reference
        time.sleep(_SETTLE_S)
    return statistics.median(taken)


def _timed_put(backend: Backend, array: Any) -> tuple[float, list[Any]]:
    """The reference comes in a list, so that `_drop` can drop the only one."""
    started = time.perf_counter()
    reference = backend.put_array(array)
    return time.perf_counter() - started, [reference]


def _drop(backend: Backend, reference: list[Any]) -> None:
    backend.release(reference[0])
    reference.clear()
    time.sleep(_SETTLE_S)


def _median_get_us(backend: Backend, mebibytes: int) -> float:
    _, reference = _timed_put(backend, _array(mebibytes))
    got = backend.get_array(reference[0])
    array = got[-1] if isinstance(got, tuple) else got
    expect((array.nbytes, array[0], array[-1]), (mebibytes * _MEBIBYTE, 1.0, 1.0))
    del array, got
    taken: list[float] = []
    while len(taken) < 50 and sum(taken) < 3:
        started = time.perf_counter()
        got = backend.get_array(reference[0])
        taken.append(time.perf_counter() - started)
        del got  # whose cost is not the get's
    _drop(backend, reference)
    return statistics.median(taken) * 1e6


def _array(mebibytes: int) -> Any:
    """All of its pages touched."""
    import numpy as np

    return np.ones(mebibytes * _MEBIBYTE // _DOUBLE_BYTES)


def _copy(target: Any, source: Any) -> None:
    import numpy as np

    np.copyto(target, source)
