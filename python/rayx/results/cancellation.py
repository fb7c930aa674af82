"""Giving up on a task.

>>> import time
>>> @rayx.remote
... def slow():
...     time.sleep(60)
>>> object_id = slow.remote()
>>> rayx.cancel(object_id)
>>> rayx.get(object_id)
Traceback (most recent call last):
rayx.errors.TaskCancelledError: ...
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Never

from rayx import errors, questions, session
from rayx._raylet import ObjectID, RayletError
from rayx.calls.actor_handle import ActorHandle
from rayx.text.value_text import shown, type_name
from rayx.waiting.object_stream import ObjectStream

# For the number of tasks, which the node says at once or not at all.
_COUNT_MS = 10_000


def cancel(object_id: ObjectID[Any], force: bool = False, **unknown: Never) -> None:
    """Stops the task that makes this object; a `get` of it raises TaskCancelledError.

    A task that waits is dropped. In one that runs, TaskCancelledError is raised; if it has not
    ended two seconds later, its worker is ended, or at once with `force`. (An actor is never ended
    for the sake of a call.) A task that has ended stays as it is.

    >>> @rayx.remote
    ... def endless():
    ...     while True: ...
    >>> rayx.cancel(endless.remote(), force=True)
    """
    if unknown:
        from rayx.text import words

        words.refuse("rayx.cancel", unknown, words.CANCEL)
    owner = session.current()
    given: Any = object_id
    if type(given) is not ObjectID:
        hint = ""
        if type(given) is ObjectStream:
            hint = ": call close() of the stream"
        elif type(given) is ActorHandle:
            hint = ": to end an actor, use rayx.kill"
        raise TypeError(
            f"rayx.cancel takes the ObjectID of a task's result, not {shown(given)} of type "
            f"{type_name(given)}{hint}"
        )
    _check_force(force)
    try:
        owner.client.cancel(object_id, force)
    except RayletError as error:
        raise owner.failure(error) from None


def cancel_all(force: bool = False) -> int:
    """Stops all tasks of this driver, whoever submitted them, and all calls of its actors.

    What `cancel` does to one, this does to each: after Ctrl-C in a notebook, for example, whose
    tasks go on otherwise. Returns how many there were. Actors stay: `kill` ends one. What has ended
    stays as it is, and what is submitted from now on is run.

    >>> @rayx.remote
    ... def endless():
    ...     while True: ...
    >>> ids = [endless.remote() for _ in range(10)]
    >>> rayx.cancel_all(force=True)
    10
    """
    owner = session.current()
    _check_force(force)
    if owner.mode == session.WORKER_MODE:
        raise errors.InvalidArgumentError(
            "rayx.cancel_all() was called by a task, which would be among those that are stopped: "
            "call it in the driver, or rayx.cancel for single tasks"
        )
    try:
        count = questions.count_unfinished(owner.client, _COUNT_MS)
        owner.client.cancel_all(force)
    except RayletError as error:
        raise owner.failure(error) from None
    return count


def abandon(owner: session.Session, object_ids: Iterable[ObjectID[Any]]) -> None:
    """Cancels the tasks of these, whose results nobody will ask for, as far as that can be done."""
    for object_id in object_ids:
        # Of a connection that is gone, there are no tasks, and none has made what was put.
        with suppress(RayletError):
            owner.client.cancel(object_id, False)


def _check_force(force: Any) -> None:
    if not isinstance(force, bool):
        raise TypeError(f"force must be True or False, not {shown(force)}")
