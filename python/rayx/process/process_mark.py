"""Marks a worker with its driver, and so all that it starts, however far that goes away.

A driver that has joined a session ends before the session does; then the node kills what bears its
mark (cpp/daemon/workers/orphan_reaper.h). The mark is a variable of the environment: programs
inherit it. Forks that run no program have the memory that the kernel shows as their environment,
which is why the mark is also written there.

>>> len(UNMARKED)
32
"""

from __future__ import annotations

import functools
import os

from rayx._raylet import PROCESS_MARK

#: Of processes that belong to no single driver; as long as a mark, to be overwritten by one.
UNMARKED = "0" * 32


@functools.cache
def find_place() -> int | None:
    """The address of the mark in this process's environment: of the template, and so of its forks.

    Until somebody sets it anew, it is where the kernel put it when the template was started.
    """
    import ctypes  # the template has; a driver has no use for it

    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    place: int | None = libc.getenv(PROCESS_MARK.encode())
    return place if place is not None and len(ctypes.string_at(place)) == len(UNMARKED) else None


def set_driver(driver_id: bytes) -> None:
    """This process works for that driver from now on."""
    mark, place = driver_id.hex(), find_place()
    if place is not None:
        import ctypes

        ctypes.memmove(place, mark.encode(), len(mark))
    os.environ[PROCESS_MARK] = mark
