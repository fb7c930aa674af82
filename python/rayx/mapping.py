"""A remote function over many arguments, with a bounded number of tasks at any time.

>>> import itertools
>>> @rayx.remote
... def square(x):
...     return x * x
>>> list(itertools.islice(rayx.map(square, itertools.count()), 5))
[0, 1, 4, 9, 16]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, overload

from rayx import api, objects, session
from rayx._raylet import ObjectID
from rayx.completion import Queue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)

# By default there are as many tasks as CPUs, and as many again that wait for one.
_PER_CPU = 2
_IN_FLIGHT_MIN = 4
_IN_FLIGHT_MAX = 1 << 20


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
) -> Iterator[T]: ...
@overload
def map(
    function: Remote[ObjectID[T]],
    ids: Iterable[ObjectID[Any]],
    /,
    *,
    max_in_flight: int | None = None,
    ordered: bool = True,
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
) -> Iterator[T]: ...
def map(
    function: Remote[ObjectID[T]],
    /,
    *iterables: Iterable[Any],
    max_in_flight: int | None = None,
    ordered: bool = True,
) -> Iterator[T]:
    """Yields the values of `function.remote(...)` for each element of the iterable, or of several.

    Nothing is begun before the first value is asked for. From then on at most `max_in_flight`
    tasks have been submitted whose values have not been yielded (twice as many as CPUs, unless
    told), so that neither the arguments nor the results need to fit in memory. With
    `ordered=False` each value comes as soon as it is there. If a task raised, its exception is
    raised in its turn.

    >>> @rayx.remote
    ... def add(a, b):
    ...     return a + b
    >>> sum(rayx.map(add, range(100), range(100), max_in_flight=50, ordered=False))
    9900
    """
    owner = session.current()
    given: Any = function
    if not callable(getattr(given, "remote", None)) or isinstance(given, type):
        raise TypeError(
            f"rayx.map takes a remote function or a method of an actor, not {given!r}: decorate it "
            "with @rayx.remote, or use rayx.remote(function)"
        )
    if not iterables:
        raise TypeError("rayx.map takes at least one iterable beside the function")
    if not isinstance(ordered, bool):
        raise TypeError(f"ordered must be True or False, not {ordered!r}")
    limit = _limit(max_in_flight)
    calls = zip(*iterables, strict=False)  # as the built-in map: the shortest one ends it
    if ordered:
        return _in_order(given, calls, limit)
    return _as_they_come(owner, given, calls, limit)


def _limit(max_in_flight: Any) -> int:
    if max_in_flight is None:
        cpus = api.cluster_resources().get("CPU", 0.0)
        return max(_IN_FLIGHT_MIN, _PER_CPU * int(cpus))
    if isinstance(max_in_flight, bool) or not isinstance(max_in_flight, int):
        raise TypeError(
            f"max_in_flight must be a whole number, not {max_in_flight!r} of "
            f"{type(max_in_flight).__name__}"
        )
    if not 1 <= max_in_flight <= _IN_FLIGHT_MAX:
        raise ValueError(
            f"max_in_flight must be between 1 and {_IN_FLIGHT_MAX:,}, not {max_in_flight}"
        )
    return max_in_flight


def _submit(function: Any, arguments: tuple[Any, ...]) -> Any:
    submitted = function.remote(*arguments)
    if not isinstance(submitted, ObjectID):
        raise ValueError(
            f"rayx.map needs one result of each call, but {function!r} has another num_return_vals"
        )
    return submitted


def _in_order(function: Any, calls: Iterator[tuple[Any, ...]], limit: int) -> Iterator[Any]:
    in_flight: deque[ObjectID[Any]] = deque()
    for arguments in calls:
        in_flight.append(_submit(function, arguments))
        if len(in_flight) == limit:
            yield objects.get(in_flight.popleft())
    while in_flight:
        yield objects.get(in_flight.popleft())


def _as_they_come(
    owner: session.Session, function: Any, calls: Iterator[tuple[Any, ...]], limit: int
) -> Iterator[Any]:
    queue = Queue(owner)
    in_flight: set[ObjectID[Any]] = set()
    try:
        while True:
            for arguments in calls:
                submitted = _submit(function, arguments)
                in_flight.add(submitted)
                queue.add([submitted])
                if len(in_flight) >= limit:
                    break
            if not in_flight:
                return
            ready = deque(queue.take(in_flight, None))
            while ready:
                object_id = ready.popleft()
                value = objects.get(object_id)
                in_flight.discard(object_id)
                del object_id  # nothing of ours keeps the object while the caller works
                yield value
    finally:
        queue.close()
