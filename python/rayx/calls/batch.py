"""Several calls of a function as one task: what passes between `rayx.map` and a worker.

In a worker, `run_batch(function, Calls(1, [1, 2]), None)` returns (seconds, [value, value]).

Arguments and results are pickled call by call unless they are numbers and the like, so that each
call has its own copies, as it has when it is a task of its own. When a call raises, the task fails
as that call would, and takes the values before it along.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rayx import errors
from rayx._raylet import KIND_PICKLE, KIND_TASK_ERROR
from rayx.calls import signature
from rayx.calls.remote_function import name_of
from rayx.values import serialization
from rayx.values.serialization import Serialized

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.calls.remote_function import RemoteFunction
    from rayx.node_client import StoredObject

#: Need no pickle of their own: nothing of them can be changed.
SCALARS = frozenset({int, float, bool, type(None), str, bytes})
#: The scalars that may be large.
TEXTS = frozenset({str, bytes})

# Data of this size or more lies beside the pickle.
_BESIDE_MIN_BYTES = 4096

# The name under which a failure has the values before it.
_VALUES = "values_before"


class Limits(NamedTuple):
    """At which a batch stops, and returns what it has; the rest is run by others."""

    seconds: float
    result_bytes: int


class Packed:
    """A pickle inside another, with its buffers beside both. As a StoredObject it can be read."""

    __slots__ = ("_contained", "buffers", "kind", "nbytes", "stream")

    def __init__(
        self,
        kind: int,
        stream: bytes | memoryview,
        buffers: Sequence[memoryview] = (),
        contained: Sequence[ObjectID[Any]] = (),
    ) -> None:
        self.kind = kind
        self.stream = stream
        self.buffers = list(buffers)
        self.nbytes = len(stream) + sum(buffer.nbytes for buffer in self.buffers)
        self._contained = contained

    @property
    def pickle(self) -> bytes | memoryview | None:
        """The whole value, if there are no buffers."""
        return self.stream if self.kind == KIND_PICKLE and not self.buffers else None

    def __reduce__(self) -> tuple[Any, ...]:
        for object_id in self._contained:
            serialization.collect(object_id)
        beside = len(self.stream) >= _BESIDE_MIN_BYTES
        stream = pickle.PickleBuffer(self.stream) if beside else bytes(self.stream)
        return Packed, (self.kind, stream, [pickle.PickleBuffer(one) for one in self.buffers])


class Calls(NamedTuple):
    """The positional arguments of several calls."""

    #: Of each call, if all are scalars, which then lie one behind the other; 0 if some are not.
    arity: int
    #: The arguments; or of each call a tuple of them, or what that was packed to.
    items: list[Any]

    @property
    def size(self) -> int:
        """The number of calls."""
        return len(self.items) // (self.arity or 1)

    def part(self, start: int, stop: int | None = None) -> Calls:
        """The calls from `start` on, before `stop`."""
        step = self.arity or 1
        return Calls(self.arity, self.items[start * step : stop and stop * step])

    def each(self) -> Iterable[tuple[Any, ...] | Packed]:
        """The calls."""
        return zip(*[iter(self.items)] * self.arity, strict=True) if self.arity else self.items


def pack_call(arguments: tuple[Any, ...], name: str) -> tuple[Any, ...] | Packed:
    """The arguments of a call of the function called `name`, none of them an ObjectID."""
    if SCALARS.issuperset(map(type, arguments)):
        return arguments
    stream, buffers, contained, _ = signature.encode(arguments, {}, name)
    return Packed(KIND_PICKLE, stream or b"", buffers or (), contained or ())


def unpacked(values: list[Any], stored_as: ObjectID[Any] | None = None) -> Iterator[Any]:
    """The values of a batch; each that may be large is let go of before the caller has it.

    `stored_as` is the object that they are from, which keeps those whose ids are in the values.
    """
    return _unpacked(values, [stored_as]) if Packed in map(type, values) else iter(values)


def _unpacked(values: list[Any], kept: list[ObjectID[Any] | None]) -> Iterator[Any]:
    values.reverse()
    while values:
        value = values.pop()
        one = [serialization.deserialize(value) if type(value) is Packed else value]
        del value
        if not values:
            kept.clear()
        yield one.pop()


# ---- in the worker -------------------------------------------------------------------------------


def run_batch(
    function: RemoteFunction[Any, Any], calls: Calls, limits: Limits | None
) -> tuple[float, list[Any]]:
    """The time that the calls took, and their values; of the first ones, if a limit stopped it."""
    values: list[Any] = []
    arguments: tuple[Any, ...] = ()
    called: Callable[..., Any] = function.function
    label = f"the result of {name_of(function)}"
    began = now = time.perf_counter()
    end = float("inf") if limits is None else began + limits.seconds
    room = float("inf") if limits is None else limits.result_bytes
    try:
        for call in calls.each():
            if type(call) is Packed:
                arguments = ()
                arguments, _ = signature.decode(call, ())
            else:
                arguments = call  # type: ignore[assignment]
            value = called(*arguments)
            kind = type(value)
            if kind in TEXTS and len(value) < _BESIDE_MIN_BYTES:
                room -= len(value)
            elif kind in TEXTS or kind not in SCALARS:
                value = Packed(*serialization.serialize(value, label))
                room -= value.nbytes
            values.append(value)
            now = time.perf_counter()
            if now > end or room < 0:
                break
    except BaseException as error:
        raise errors.CallFailedError(error, arguments, values) from None
    return now - began, values


def with_values(failure: Serialized, values: list[Any]) -> Serialized:
    """The failure of a call together with the values of those before it."""
    facts, cause = pickle.loads(failure.stream)
    _, stream, buffers, contained = serialization.serialize(values)
    facts[_VALUES] = bytes(stream)
    return Serialized(
        KIND_TASK_ERROR,
        pickle.dumps((facts, cause), protocol=5),
        buffers,
        [*failure.contained, *contained],
    )


# ---- where it is read ----------------------------------------------------------------------------


def values_before(failure: StoredObject) -> list[Any]:
    """Of the calls before the one that failed."""
    if failure.kind != KIND_TASK_ERROR:
        return []
    facts, _ = pickle.loads(failure.stream)
    stream = facts.get(_VALUES)
    return [] if stream is None else list(pickle.loads(stream, buffers=failure.buffers))
