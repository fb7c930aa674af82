"""The results of a generator, each as it is yielded.

>>> @rayx.remote(num_return_vals="stream")
... def count(n):
...     for i in range(n):
...         yield i
>>> [rayx.get(object_id) for object_id in count.remote(3)]
[0, 1, 2]

    items:  taken | known to us, wanted, made or not | not to be made yet
                  └───────────── window ─────────────┘

For what passes between the processes see cpp/client/objects/streams.h.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from rayx import hints, session
from rayx._raylet import RayletError
from rayx.values import serialization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rayx._raylet import ObjectID

T_co = TypeVar("T_co", covariant=True)

#: How many items a task may have yielded that nobody has taken.
WINDOW = 16
#: Credit is granted for so many at a time.
STEP = WINDOW // 2


class ObjectStream(Generic[T_co]):
    """The ObjectIDs of what a task yields, in order; each comes when its value is there.

    What `remote` returns for `num_return_vals="stream"`. An exception of the task is raised after
    the items before it. The task waits while 16 items have not been taken; it is cancelled by
    `close`, or when nobody has the stream any more. One iteration is all there is, by `for` or by
    `async for`. A stream cannot be given to tasks; the ids that it yields can.

    >>> @rayx.remote(num_return_vals="stream")
    ... def endless():
    ...     number = 0
    ...     while True:
    ...         yield number
    ...         number += 1
    >>> stream = endless.remote()
    >>> rayx.get([next(stream), next(stream)])
    [0, 1]
    >>> stream.close()
    """

    __module__ = "rayx"  # as which users know it

    __rayx_refuses_pickling__ = True  # pickle_path.REFUSES_PICKLING

    def __init__(self, ids: Sequence[ObjectID[Any]], name: str) -> None:
        self._owner = session.current()
        self._client = self._owner.client
        self._name = name
        self._end = ids[0]
        # The ids of the items that have not been taken.
        self._window = deque(ids[1:])
        self._taken = 0
        # The credits that the task may not have seen yet.
        self._credits: deque[ObjectID[Any]] = deque(maxlen=WINDOW // STEP)
        self._lock = threading.Lock()
        # The thread that has the lock.
        self._taker = 0
        self._is_open = True

    def __iter__(self) -> ObjectStream[T_co]:
        return self

    def __next__(self) -> ObjectID[T_co]:
        if self._taker == threading.get_ident():  # in a finalizer, or a signal's handler
            raise ValueError(f"{self!r} is being iterated already, by this same thread")
        with self._lock:
            self._taker = threading.get_ident()
            try:
                return self._next()
            finally:
                self._taker = 0

    def _next(self) -> ObjectID[T_co]:
        if self._is_open:
            pair = [self._window[0], self._end]
            if self._owner.actor is not None:
                self._owner.actor.check_wait(pair, 1)
            self._is_ready(pair, -1)
            taken = self._take()
            if taken is not None:
                return taken
        raise StopIteration

    def __aiter__(self) -> ObjectStream[T_co]:
        return self

    async def __anext__(self) -> ObjectID[T_co]:
        if self._is_open:
            pair = [self._window[0], self._end]
            if not self._is_ready(pair, 0):
                from rayx.waiting import awaiting  # which imports asyncio

                await awaiting.one_available(pair)
            if self._is_open:
                taken = self._take()
                if taken is not None:
                    return taken
        raise StopAsyncIteration

    def close(self) -> None:
        """No more items are wanted: the task is cancelled. Items that were taken stay."""
        if not self._is_open:
            return
        self._is_open = False
        # Nothing is left to cancel when the connection is gone.
        with contextlib.suppress(RayletError):
            self._client.cancel(self._end, False)
        self._forget()

    def __del__(self) -> None:
        # Not there if __init__ raised.
        if self.__dict__.get("_is_open", False):
            self.close()

    def __repr__(self) -> str:
        state = "" if self._is_open else ", ended"
        return f"<rayx stream of {self._name}, {self._taken} items taken{state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be passed on: only the process that called the task can take its "
            "items. Pass their ids instead, list(stream) for all of them"
        )

    def _is_ready(self, ids: list[ObjectID[Any]], timeout_ms: int) -> bool:
        """Whether one of these is there."""
        try:
            return any(self._client.wait(ids, 1, timeout_ms))
        except KeyboardInterrupt:
            hints.of_interrupt(self._owner)
            raise
        except RayletError as error:
            raise self._owner.failure(error) from None

    def _take(self) -> ObjectID[Any] | None:
        """The next item, or what the task raised, or None; one of these is there."""
        if not self._is_open:  # closed meanwhile
            return None
        # The end comes after all items. So if it is there and this one is not, there is no more.
        if not self._is_ready([self._window[0]], 0):
            self._finish()
            return None
        item = self._window.popleft()
        self._taken += 1
        if self._taken % STEP == 0:
            self._grant_credit()
        return item

    def _grant_credit(self) -> None:
        first = self._taken + len(self._window)
        try:
            *items, credit = self._client.grant_credit(self._end, first, STEP, self._taken // STEP)
        except RayletError as error:
            raise self._owner.failure(error) from None
        self._window += items
        self._credits.append(credit)

    def _finish(self) -> None:
        self._is_open = False
        try:
            stored = self._client.get([self._end], -1)[0]
        except RayletError as error:
            raise self._owner.failure(error) from None
        finally:
            self._forget()
        serialization.deserialize(stored)  # raises if it is a failure

    def _forget(self) -> None:
        self._window.clear()
        self._credits.clear()
