"""`put`, `get` and `wait`: they check their arguments, and ask the session.

>>> object_id = rayx.put([1, 2, 3])
>>> rayx.get(object_id)
[1, 2, 3]
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never, TypeAlias, TypeVar, overload

from rayx import errors, hints, session
from rayx._raylet import ObjectID, RayletError, first_foreign, first_repeated
from rayx.text import quantities
from rayx.text.durations import MILLISECONDS, SECONDS, Duration, is_timedelta, milliseconds
from rayx.text.value_text import class_has, type_name
from rayx.values import serialization

T = TypeVar("T")

if TYPE_CHECKING:
    from rayx.node_client import StoredObject

    # All that can be iterated over, but for a stream, which `get` and `wait` refuse.
    _Ids: TypeAlias = Collection[ObjectID[T]] | Generator[ObjectID[T], Any, Any]

# Ids that an error about waiting names.
_IDS_NAMED = 3

# For the question why something is not there, which the node answers at once or not at all.
_EXPLAIN_MS = 1000

# A timeout of `wait` that a program may have meant in seconds.
_SECONDS_MEANT_BELOW_MS = 100


def put(value: T) -> ObjectID[T]:
    """Stores a value and returns its id. Do it for what several tasks need.

    >>> import numpy as np  # `pip install numpy`; rayx itself does not need it
    >>> data = rayx.put(np.arange(1_000_000))
    >>> @rayx.remote
    ... def total(array, start):
    ...     return int(array[start : start + 10].sum())
    >>> rayx.get([total.remote(data, start) for start in (0, 10)])
    [45, 145]
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
def get(object_ids: ObjectID[T], *, timeout: Duration | None = None) -> T: ...
@overload
def get(object_ids: _Ids[T], *, timeout: Duration | None = None) -> list[T]: ...
def get(object_ids: Any, *, timeout: Duration | None = None) -> Any:
    """The value of an object, or a list of the values of several; waits until they are there.

    Several are a list, or any other iterable of ids but a dictionary, of which `get` cannot know
    whether the ids are its keys or its values.

    `timeout` is in seconds, or a datetime.timedelta; GetTimeoutError if it passes. If a task
    raised, its exception is raised here, as a TaskError. Arrays lie in shared memory and are
    read-only: copy one to change it. Tensors of torch may be written; what is stored stays as it
    is.

    >>> @rayx.remote
    ... def square(x):
    ...     return x * x
    >>> rayx.get([square.remote(x) for x in range(3)], timeout=10)
    [0, 1, 4]
    """
    owner = session.current()
    timeout_ms = -1 if timeout is None else milliseconds("timeout", timeout, SECONDS)
    if type(object_ids) is ObjectID:
        return serialization.deserialize(_fetch(owner, [object_ids], timeout_ms)[0])
    ids = id_list("rayx.get", object_ids)
    return [serialization.deserialize(stored) for stored in _fetch(owner, ids, timeout_ms)]


def stored(owner: session.Session, object_id: ObjectID[Any]) -> StoredObject:
    """An object as it is stored, whether it is a value or a failure; waits until it is there."""
    found: StoredObject = _fetch(owner, [object_id], -1)[0]
    return found


def _fetch(owner: session.Session, ids: list[ObjectID[Any]], timeout_ms: int) -> Sequence[Any]:
    if timeout_ms < 0 and owner.actor is not None:
        owner.actor.check_wait(ids, len(ids))
    try:
        return owner.client.get(ids, timeout_ms)
    except KeyboardInterrupt:
        hints.of_interrupt(owner)
        raise
    except RayletError as error:
        if error.code != "TimedOut":
            raise owner.failure(error) from None
    ready = _available(owner, ids, len(ids), 0)
    missing = [object_id for object_id, is_ready in zip(ids, ready, strict=True) if not is_ready]
    named = ", ".join(object_id.hex() for object_id in missing[:_IDS_NAMED])
    more = f" and {len(missing) - _IDS_NAMED} more" if len(missing) > _IDS_NAMED else ""
    raise errors.GetTimeoutError(
        f"{len(ids) - len(missing)} of {len(ids)} objects were ready after "
        f"{timeout_ms / 1000:g} seconds"
        + (f"; not ready: {named}{more}{_why(owner, missing[0])}" if missing else "")
    )


def _why(owner: session.Session, object_id: ObjectID[Any]) -> str:
    from rayx import questions

    try:
        reason = questions.explain(owner.client, object_id, _EXPLAIN_MS)
    except RayletError:  # the node is busy, or gone: the time-out is what was asked for
        reason = ""
    return f"\n{reason}" if reason else ""


def wait(
    object_ids: _Ids[T],
    num_returns: int = 1,
    timeout: Duration | None = None,
    *,
    timeout_s: Duration | None = None,
    **unknown: Never,
) -> tuple[list[ObjectID[T]], list[ObjectID[T]]]:
    """Waits until `num_returns` of the objects are there, or for `timeout` *milliseconds*.

    `timeout_s` is the same in seconds; both may be a datetime.timedelta instead of a number.
    Returns the ids that are ready, at most `num_returns`, and all others, both in the order given.
    Any iterable of ids will do, such as a dictionary with ids for keys.

    >>> ids = [rayx.put(x) for x in "abc"]
    >>> ready, remaining = rayx.wait(ids, num_returns=2, timeout_s=0.5)
    >>> ready == ids[:2], remaining == ids[2:]
    (True, True)
    """
    if unknown:
        from rayx.text import words

        words.refuse("rayx.wait", unknown, words.WAIT)
    owner = session.current()
    ids = id_list("rayx.wait", object_ids)
    if not ids:
        raise ValueError("rayx.wait needs at least one ObjectID, but was given an empty list")
    repeated = first_repeated(ids)
    if repeated is not None:
        raise ValueError(
            f"rayx.wait wants each ObjectID once, but {ids[repeated]!r} is in the list twice"
        )
    if type(num_returns) is not int:
        num_returns = quantities.index("num_returns", num_returns)
    if not 1 <= num_returns <= len(ids):
        raise ValueError(
            f"num_returns must be between 1 and the number of ids, {len(ids)}, not {num_returns}"
        )
    timeout_ms = -1
    if timeout_s is not None:
        if timeout is not None:
            raise TypeError(
                "rayx.wait takes timeout (milliseconds) or timeout_s (seconds), not both"
            )
        timeout_ms = milliseconds("timeout_s", timeout_s, SECONDS)
    elif timeout is not None:
        timeout_ms = milliseconds("timeout", timeout, MILLISECONDS)
    if timeout_ms < 0 and owner.actor is not None:
        owner.actor.check_wait(ids, num_returns)
    available = _available(owner, ids, num_returns, timeout_ms)
    if 0 < timeout_ms < _SECONDS_MEANT_BELOW_MS and timeout_s is None and not any(available):
        _hint_milliseconds(owner, timeout)
    return _split(ids, available, num_returns)


def _hint_milliseconds(owner: session.Session, timeout: Any) -> None:
    """Hints at what a caller may have meant who is used to seconds. A timedelta leaves no doubt."""
    if not is_timedelta(timeout):
        hints.give(
            owner,
            "wait in milliseconds",
            f"rayx.wait(..., timeout={timeout}) waited {timeout} milliseconds, and nothing was "
            f"ready: this timeout is in milliseconds. For seconds, write timeout_s={timeout}; "
            f"timeout=datetime.timedelta(milliseconds={timeout}) means the same without this hint",
        )


def _split(
    ids: list[ObjectID[T]], available: list[bool], count: int
) -> tuple[list[ObjectID[T]], list[ObjectID[T]]]:
    """The first `count` ids that are available, and all others.

    Programs call `wait` for one of thousands of ids at a time, thousands of times: a step of the
    interpreter for each id would take longer than the tasks.
    """
    ready: list[ObjectID[T]] = []
    remaining: list[ObjectID[T]] = []
    start = 0
    for _ in range(min(count, available.count(True))):
        index = available.index(True, start)
        ready.append(ids[index])
        remaining += ids[start:index]
        start = index + 1
    remaining += ids[start:]
    return ready, remaining


def _available(
    owner: session.Session, ids: list[ObjectID[Any]], count: int, timeout_ms: int
) -> list[bool]:
    try:
        return owner.client.wait(ids, count, timeout_ms)
    except KeyboardInterrupt:
        hints.of_interrupt(owner)
        raise
    except RayletError as error:
        raise owner.failure(error) from None


def id_list(function: str, object_ids: Any) -> list[ObjectID[Any]]:
    """What holds ids, or yields them, as a list; TypeError in the name of `function` otherwise.

    Of a dictionary the keys, as in any loop over it: `{f.remote(x): x for x in xs}`.
    """
    if not isinstance(object_ids, list | tuple) and not _may_hold_ids(function, object_ids):
        raise TypeError(
            f"{function} takes {'an ObjectID or ' if function == 'rayx.get' else ''}a list of "
            f"ObjectIDs, not {type_name(object_ids)}" + _advice(object_ids)
        )
    ids = list(object_ids)
    foreign = first_foreign(ids)
    if foreign is not None:
        item = ids[foreign]
        raise TypeError(
            f"{function} takes ObjectIDs, but the item at index {foreign} is of type "
            f"{type_name(item)}" + _advice(item)
        )
    return ids


def _may_hold_ids(function: str, value: Any) -> bool:
    if _is_stream(value):  # to take all of it is a wait of its own, maybe for ever
        return function == "rayx.as_completed"
    if isinstance(value, Mapping):  # nobody can say whether the values of the keys are meant
        return function != "rayx.get"
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray)


def _is_stream(value: Any) -> bool:
    if not class_has(value, "__anext__"):  # as of most, which are no reason to import streams
        return False
    from rayx.waiting.object_stream import ObjectStream

    return isinstance(value, ObjectStream)


def _advice(value: Any) -> str:
    from rayx.calls.actor_handle import ActorHandle

    if type(value) is ObjectID:
        return ": put it in a list, [object_id]"
    if _is_stream(value):
        return ": take one id by next(stream), or wait for all of them, list(stream)"
    if isinstance(value, Mapping):
        return ": give its keys, list(...), or its values, list(....values())"
    if isinstance(value, ActorHandle):
        return ": call one of the actor's methods with .remote(...) for an ObjectID"
    if class_has(value, "remote"):
        return ": call it with .remote(...) for an ObjectID"
    return ": rayx.put(value) makes an ObjectID of a value, and f.remote(...) returns one"
