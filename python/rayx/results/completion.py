"""Results in the order in which they come.

>>> import time
>>> @rayx.remote
... def nap(seconds):
...     time.sleep(seconds)
...     return seconds
>>> for object_id in rayx.as_completed([nap.remote(1), nap.remote(0)]):
...     rayx.get(object_id)
0
1
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from rayx import errors, hints, session
from rayx._raylet import RayletError
from rayx.hints import FIRST_LOOK_MS
from rayx.results import objects
from rayx.text.durations import SECONDS, Duration, in_units, milliseconds
from rayx.waiting.patience import Patience

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.node_client import CompletionQueue

T = TypeVar("T")


def as_completed(
    object_ids: Iterable[ObjectID[T]], timeout: Duration | None = None
) -> Iterator[ObjectID[T]]:
    """Yields each id when its object is there, whether it is a value or a failure.

    `timeout` is in seconds from the call on, or a datetime.timedelta; GetTimeoutError if it passes
    before all are there. An id that is given twice is yielded once. Any iterable of ids will do; of
    a dictionary, its keys.

    >>> names = {rayx.put("a"): "first", rayx.put("b"): "second"}
    >>> sorted(names[object_id] for object_id in rayx.as_completed(names, timeout=60))
    ['first', 'second']
    """
    owner = session.current()
    ids: list[ObjectID[T]] = objects.id_list("rayx.as_completed", object_ids)
    seconds = deadline = None
    if timeout is not None:
        timeout_ms = milliseconds("timeout", timeout, SECONDS)
        seconds = in_units("timeout", timeout, SECONDS)
        deadline = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
    return _yield_all(owner, list(dict.fromkeys(ids)), seconds, deadline)


def _yield_all(
    owner: session.Session,
    ids: list[ObjectID[T]],
    seconds: float | None,
    deadline: float | None,
) -> Iterator[ObjectID[T]]:
    remaining = dict.fromkeys(ids)
    queue = Queue(owner)
    try:
        queue.add(ids)
        while remaining:
            taken = queue.take(remaining, deadline)
            if not taken:
                raise errors.GetTimeoutError(
                    f"{len(ids) - len(remaining)} of {len(ids)} objects were ready after "
                    f"{seconds:g} seconds"
                )
            for object_id in taken:
                remaining.pop(object_id, None)
                yield object_id
    finally:
        queue.close()


class Queue:
    """A queue of available ids, with the session's view of what goes wrong."""

    def __init__(self, owner: session.Session) -> None:
        self._owner = owner
        try:
            self._queue: CompletionQueue = owner.client.completions()
        except RayletError as error:
            raise owner.failure(error) from None

    def add(self, object_ids: list[ObjectID[Any]]) -> None:
        """Asks for these."""
        try:
            self._queue.add(object_ids)
        except RayletError as error:
            raise self._owner.failure(error) from None

    def take(self, remaining: Iterable[ObjectID[Any]], deadline: float | None) -> list[Any]:
        """What is available, at least one; none if time is up. `remaining` are those waited for."""
        if deadline is None and self._owner.actor is not None:
            self._owner.actor.check_wait(list(remaining), 1)
        try:
            left_ms = _left_ms(deadline)
            if 0 <= left_ms <= FIRST_LOOK_MS:
                return self._queue.take(left_ms)
            return self._queue.take(FIRST_LOOK_MS) or self._take_patiently(remaining, deadline)
        except KeyboardInterrupt:
            hints.of_interrupt(self._owner)
            raise
        except RayletError as error:
            raise self._owner.failure(error) from None

    def _take_patiently(
        self, remaining: Iterable[ObjectID[Any]], deadline: float | None
    ) -> list[Any]:
        """Goes on after the first part of a wait."""
        patience = Patience()
        part_ms = FIRST_LOOK_MS
        while True:
            patience.look(remaining, part_ms)
            left_ms = _left_ms(deadline)
            part_ms = patience.part_ms(left_ms)
            taken = self._queue.take(part_ms)
            if taken or part_ms == left_ms:
                return taken

    def close(self) -> None:
        """Forgets what was asked for."""
        self._queue.close()


def _left_ms(deadline: float | None) -> int:
    return -1 if deadline is None else max(0, round((deadline - time.monotonic()) * 1000))
