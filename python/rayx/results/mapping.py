"""A remote function over many arguments, with a bounded number of tasks at any time.

>>> import itertools
>>> @rayx.remote
... def square(x):
...     return x * x
>>> list(itertools.islice(rayx.map(square, itertools.count()), 5))
[0, 1, 4, 9, 16]
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Never, Protocol, TypeVar, overload

from rayx import hints, queries, session
from rayx.results import batching, cancellation
from rayx.results.batching import Batch, Batches, Singles
from rayx.results.completion import Queue
from rayx.text.quantities import whole
from rayx.text.value_text import attribute, shown

if TYPE_CHECKING:
    from rayx._raylet import ObjectID

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)

# By default there are as many tasks as CPUs, and as many again that wait for one.
_PER_CPU = 2
_IN_FLIGHT_MIN = 4
_IN_FLIGHT_MAX = 1 << 20
_CHUNKSIZE_MAX = 1 << 20

hints.cancellers.add(__name__)


class Remote(Protocol[T_co]):
    """A remote function, or a method of an actor."""

    @property
    def remote(self) -> Callable[..., T_co]: ...


class RemoteOfOne(Protocol[Item_contra, T_co]):
    """One that can be called with one argument."""

    @property
    def remote(self) -> Callable[[Item_contra], T_co]: ...


@overload
def map(
    function: RemoteOfOne[Item, ObjectID[T]],
    iterable: Iterable[Item],
    /,
    *,
    max_in_flight: int | None = None,
    ordered: bool = True,
    chunksize: int | None = None,
) -> Iterator[T]: ...
@overload
def map(
    function: Remote[ObjectID[T]],
    ids: Iterable[ObjectID[Any]],
    /,
    *,
    max_in_flight: int | None = None,
    ordered: bool = True,
    chunksize: int | None = None,
) -> Iterator[T]: ...
@overload
def map(
    function: Remote[ObjectID[T]],
    iterable: Iterable[Any],
    other: Iterable[Any],
    /,
    *others: Iterable[Any],
    max_in_flight: int | None = None,
    ordered: bool = True,
    chunksize: int | None = None,
) -> Iterator[T]: ...
def map(
    function: Remote[ObjectID[T]],
    /,
    *iterables: Iterable[Any],
    max_in_flight: int | None = None,
    ordered: bool = True,
    chunksize: int | None = None,
    **unknown: Never,
) -> Iterator[T]:
    """Yields the values of `function.remote(...)` for each element of the iterable, or of several.

    Nothing is begun before the first value is asked for. With `ordered=False` each value comes as
    soon as it is there. If a call raised, its exception is raised in its turn, and so is what the
    iterables raise.

    When it ends early, because a call raised, by Ctrl-C, or since nobody holds the iterator any
    more, calls that have not ended are cancelled.

    - `max_in_flight`: so many calls at most have been taken from the iterables whose values have
      not been yielded, so that neither the arguments nor the results need to fit in memory. Unless
      told, there are twice as many tasks as CPUs.
    - `chunksize`: so many calls are one task. Unless told, calls of a remote function that take
      less than a millisecond are joined to tasks of some milliseconds, as many as their time, their
      arguments and their results allow: 1,024 at most. Each call still has its own arguments and
      results, and its own exception. 1 joins none. Never joined are calls of actors, those with
      ids for arguments, and, unless told, those of functions with a `timeout` (which then is that
      of the task) or with `max_retries=0`, and all in a session with `object_id_seed`.

    >>> @rayx.remote
    ... def add(a, b):
    ...     return a + b
    >>> sum(rayx.map(add, range(100), range(100), max_in_flight=50, ordered=False))
    9900
    """
    if unknown:
        from rayx.text import words

        words.refuse("rayx.map", unknown, words.MAP)
    owner = session.current()
    given: Any = function
    if not callable(attribute(given, "remote")) or isinstance(given, type):
        raise TypeError(
            f"rayx.map takes a remote function or a method of an actor, not {shown(given)}: "
            "decorate it with @rayx.remote, or use rayx.remote(function)"
        )
    if not iterables:
        raise TypeError("rayx.map takes at least one iterable beside the function")
    if not isinstance(ordered, bool):
        raise TypeError(f"ordered must be True or False, not {shown(ordered)}")
    if max_in_flight is not None:
        max_in_flight = whole("max_in_flight", max_in_flight, 1, _IN_FLIGHT_MAX)
    if chunksize is not None:
        chunksize = whole("chunksize", chunksize, 1, _CHUNKSIZE_MAX)
    if chunksize is not None and chunksize > (max_in_flight or chunksize):
        raise ValueError(
            f"chunksize={chunksize} is more than max_in_flight={max_in_flight}, which is how many "
            "calls, not tasks, are under way at most"
        )
    calls = zip(*iterables, strict=False)  # as the built-in map: the shortest one ends it
    window = _Window(_tasks(), max_in_flight)
    source = _source(owner, given, calls, len(iterables), chunksize, window)
    return (_in_order if ordered else _as_they_come)(owner, source, window)


def _tasks() -> int:
    cpus = queries.cluster_resources().get("CPU", 0.0)
    return max(_IN_FLIGHT_MIN, _PER_CPU * int(cpus))


class _Window:
    """How much is under way: so many tasks, or so many calls if that was told."""

    def __init__(self, tasks: int, max_calls: int | None) -> None:
        self.max_calls = max_calls
        #: So that there are enough batches for all CPUs.
        self.largest_batch = max(1, (max_calls or _IN_FLIGHT_MAX) // tasks)
        self._max_tasks = tasks
        self._tasks = 0
        self._calls = 0

    def room(self) -> int:
        """For so many calls."""
        if self.max_calls is not None:
            return self.max_calls - self._calls
        return _CHUNKSIZE_MAX if self._tasks < self._max_tasks else 0

    def submitted(self, one: Batch) -> Batch:
        """One more."""
        self._tasks += 1
        self._calls += one.size
        return one

    def taken(self, one: Batch) -> None:
        """One less, whose values are yielded next."""
        self._tasks -= 1
        self._calls -= one.size


def _source(
    owner: session.Session,
    function: Any,
    calls: Iterator[tuple[Any, ...]],
    arity: int,
    chunksize: int | None,
    window: _Window,
) -> Singles:
    if chunksize is None:
        joins = batching.batches_pay(owner, function) and window.largest_batch > 1
    else:
        joins = batching.may_batch(owner, function) and chunksize > 1
    if joins:
        return Batches(owner, function, calls, arity, chunksize, window.largest_batch)
    return Singles(owner, function, calls)


def _fill(source: Singles, window: _Window) -> Iterator[Batch]:
    """Submits what there is room for."""
    while (room := window.room()) > 0:
        submitted = source.submit_next(room)
        if submitted is None:
            return
        yield window.submitted(submitted)


def _in_order(owner: session.Session, source: Singles, window: _Window) -> Iterator[Any]:
    in_flight: deque[Batch] = deque()
    try:
        while True:
            in_flight.extend(_fill(source, window))
            if not in_flight:
                source.finish()
                return
            # Among those under way until it is there: the wait may be interrupted.
            values, rest, failure = source.take(in_flight[0])
            window.taken(in_flight.popleft())
            in_flight.extendleft(window.submitted(one) for one in reversed(rest))
            del rest
            yield from values
            if failure is not None:
                raise failure
    finally:
        _abandon(owner, in_flight)


def _abandon(owner: session.Session, in_flight: Iterable[Batch]) -> None:
    """The iterator ends before its calls do: it was closed or interrupted, or a call has raised."""
    cancellation.abandon(owner, [one.object_id for one in in_flight])
    if sys.exc_info()[0] is KeyboardInterrupt:
        hints.of_interrupt(owner, has_cancelled=True)


def _as_they_come(owner: session.Session, source: Singles, window: _Window) -> Iterator[Any]:
    queue = Queue(owner)
    in_flight: dict[ObjectID[Any], Batch] = {}
    ready: deque[ObjectID[Any]] = deque()

    def note(submitted: Iterable[Batch]) -> None:
        for one in submitted:
            in_flight[one.object_id] = one
            queue.add([one.object_id])

    try:
        while True:
            if not ready:
                note(_fill(source, window))
                if not in_flight:
                    source.finish()
                    return
                ready.extend(queue.take(in_flight, None))
            done = in_flight.pop(ready.popleft())
            values, rest, failure = source.take(done)
            window.taken(done)
            note(window.submitted(one) for one in rest)
            del done, rest
            yield from values
            if failure is not None:
                raise failure
    finally:
        queue.close()
        _abandon(owner, in_flight.values())
