"""Names of tasks and objects in PYTHON_MODE.

With a seed they are those that a real run of the same program would give
(cpp/client/tasks/id_source.cc), so that one may be compared with the other.

>>> ids = InlineIds(seed=1)
>>> first = ids.next_task()
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rayx._raylet import PUT_BIT, TASK_ID_BYTES

_WORD = (1 << 64) - 1


class _Owner:
    """Whose code it is that names: the driver's, or a task's."""

    __slots__ = ("parent", "puts", "task_id", "tasks")

    def __init__(self, task_id: bytes, parent: bytes) -> None:
        self.task_id = task_id
        self.parent = parent
        # To count is one step, which no other thread and no finalizer can come between.
        self.tasks = itertools.count()
        self.puts = itertools.count()


class InlineIds:
    """Thread-safe. A task's names are given by the thread that runs it."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._local = threading.local()
        self._driver = _Owner(b"", bytes(TASK_ID_BYTES))
        self._driver.task_id = self._fresh(self._driver)

    def next_task(self) -> bytes:
        """The id of the next task that this thread submits."""
        return self._fresh(self._owner())

    def next_put(self) -> bytes:
        """The id of the next object that this thread puts."""
        owner = self._owner()
        return object_binary(owner.task_id, next(owner.puts) | PUT_BIT)

    @contextmanager
    def within(self, task_id: bytes) -> Iterator[None]:
        """What this thread names from now on, it does as this task."""
        outer = self._owner()
        self._local.owner = _Owner(task_id, task_id)
        try:
            yield
        finally:
            self._local.owner = outer

    def _owner(self) -> _Owner:
        owner: _Owner = getattr(self._local, "owner", self._driver)
        return owner

    def _fresh(self, owner: _Owner) -> bytes:
        if self._seed is None:
            return os.urandom(TASK_ID_BYTES)
        return _derive(self._seed, owner.parent, 0, next(owner.tasks))


def object_binary(task_id: bytes, index: int) -> bytes:
    """The id of a task's object: ObjectId::ForReturn in cpp/common/base/ids.h."""
    return task_id + index.to_bytes(4, "little")


def item_binary(task_id: bytes, item: int) -> bytes:
    """The id of an item of the stream that a task makes: ObjectId::ForStreamItem."""
    return object_binary(task_id, item + 1)


def _mix(x: int) -> int:
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & _WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _WORD
    return x ^ (x >> 31)


def _derive(seed: int, parent: bytes, attempt: int, number: int) -> bytes:
    low = _mix(seed)
    for word in (
        int.from_bytes(parent[:8], "little"),
        int.from_bytes(parent[8:], "little"),
        attempt,
        number,
    ):
        low = _mix(low ^ word)
    high = _mix(~low & _WORD)
    return low.to_bytes(8, "little") + high.to_bytes(8, "little")
