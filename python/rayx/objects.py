"""`put`, `get` and `wait`: they check their arguments, and ask the session.

>>> object_id = rayx.put([1, 2, 3])
>>> rayx.get(object_id)
[1, 2, 3]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar, overload

from rayx import errors, serialization, session
from rayx._raylet import ObjectID, RayletError

T = TypeVar("T")

# Ids that an error about waiting names.
_IDS_NAMED = 3


def put(value: T) -> ObjectID[T]:
    """Stores a value and returns its id. Do it for what several tasks need.

    >>> data = rayx.put(numpy.zeros(10**6))
    >>> results = [f.remote(data) for _ in range(10)]
    """
    owner = session.current()
    if type(value) is ObjectID:
        raise TypeError(
            f"rayx.put was given {value!r}, which is stored already; use it as it is, or put it in "
            "a list if it is the id that matters: rayx.put([object_id])"
        )
    stored = serialization.serialize(value)
    try:
        return owner.client.put(*stored)
    except RayletError as error:
        raise owner.failure(error) from None


@overload
def get(object_ids: ObjectID[T], *, timeout: float | None = None) -> T: ...
@overload
def get(object_ids: Sequence[ObjectID[T]], *, timeout: float | None = None) -> list[T]: ...
def get(object_ids: Any, *, timeout: float | None = None) -> Any:
    """The value of an object, or a list of the values of several; waits until they are there.

    `timeout` is in seconds; GetTimeoutError if it passes. If a task raised, its exception is raised
    here, as a TaskError. Arrays lie in shared memory and are read-only: copy one to change it.

    >>> rayx.get([f.remote(i) for i in range(3)], timeout=10)
    [0, 1, 4]
    """
    owner = session.current()
    timeout_ms = -1 if timeout is None else _milliseconds("timeout", timeout, 1000)
    if type(object_ids) is ObjectID:
        return serialization.deserialize(_fetch(owner, [object_ids], timeout_ms)[0])
    ids = _id_list("rayx.get", object_ids)
    return [serialization.deserialize(stored) for stored in _fetch(owner, ids, timeout_ms)]


def _fetch(owner: session.Session, ids: list[ObjectID[Any]], timeout_ms: int) -> list[Any]:
    try:
        return owner.client.get(ids, timeout_ms)
    except RayletError as error:
        if error.code != "TimedOut":
            raise owner.failure(error) from None
    ready = _available(owner, ids, len(ids), 0)
    missing = [object_id for object_id, is_ready in zip(ids, ready, strict=True) if not is_ready]
    named = ", ".join(object_id.hex() for object_id in missing[:_IDS_NAMED])
    more = f" and {len(missing) - _IDS_NAMED} more" if len(missing) > _IDS_NAMED else ""
    raise errors.GetTimeoutError(
        f"{len(ids) - len(missing)} of {len(ids)} objects were ready after "
        f"{timeout_ms / 1000:g} seconds" + (f"; not ready: {named}{more}" if missing else "")
    )


def wait(
    object_ids: Sequence[ObjectID[T]], num_returns: int = 1, timeout: float | None = None
) -> tuple[list[ObjectID[T]], list[ObjectID[T]]]:
    """Waits until `num_returns` of the objects are there, or for `timeout` *milliseconds*.

    Returns the ids that are ready, at most `num_returns`, and all others, both in the order given.

    >>> ready, remaining = rayx.wait(ids, num_returns=2, timeout=500)
    """
    owner = session.current()
    ids = _id_list("rayx.wait", object_ids)
    if not ids:
        raise ValueError("rayx.wait needs at least one ObjectID, but was given an empty list")
    if len(set(ids)) != len(ids):
        twice = next(object_id for index, object_id in enumerate(ids) if object_id in ids[:index])
        raise ValueError(f"rayx.wait wants each ObjectID once, but {twice!r} is in the list twice")
    if isinstance(num_returns, bool) or not isinstance(num_returns, int):
        raise TypeError(
            f"num_returns must be a whole number, not {num_returns!r} of "
            f"{type(num_returns).__name__}"
        )
    if not 1 <= num_returns <= len(ids):
        raise ValueError(
            f"num_returns must be between 1 and the number of ids, {len(ids)}, not {num_returns}"
        )
    timeout_ms = -1 if timeout is None else _milliseconds("timeout", timeout, 1)
    ready: list[ObjectID[T]] = []
    remaining: list[ObjectID[T]] = []
    for object_id, is_ready in zip(
        ids, _available(owner, ids, num_returns, timeout_ms), strict=True
    ):
        (ready if is_ready and len(ready) < num_returns else remaining).append(object_id)
    return ready, remaining


def _available(
    owner: session.Session, ids: list[ObjectID[Any]], count: int, timeout_ms: int
) -> list[bool]:
    try:
        return owner.client.wait(ids, count, timeout_ms)
    except RayletError as error:
        raise owner.failure(error) from None


def _id_list(function: str, object_ids: Any) -> list[ObjectID[Any]]:
    if not isinstance(object_ids, list | tuple):
        raise TypeError(
            f"{function} takes {'an ObjectID or ' if function == 'rayx.get' else ''}a list of "
            f"ObjectIDs, not {type(object_ids).__name__}" + _advice(object_ids)
        )
    for index, item in enumerate(object_ids):
        if type(item) is not ObjectID:
            raise TypeError(
                f"{function} takes ObjectIDs, but the item at index {index} is of type "
                f"{type(item).__name__}" + _advice(item)
            )
    return list(object_ids)


def _advice(value: Any) -> str:
    if callable(getattr(value, "remote", None)):
        return ": call it with .remote(...) for an ObjectID"
    return ": rayx.put(value) makes an ObjectID of a value, and f.remote(...) returns one"


def _milliseconds(name: str, value: Any, per_unit: int) -> int:
    """For the node; -1 for infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number or None, not {value!r} of {type(value).__name__}")
    if math.isnan(value) or value < 0:
        raise ValueError(f"{name} must not be negative, not {value!r}; None waits without end")
    milliseconds = value * per_unit
    return -1 if milliseconds > 1e15 else math.ceil(milliseconds)
