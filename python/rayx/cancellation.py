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

from typing import Any, Never

from rayx import session, words
from rayx._raylet import ObjectID, RayletError
from rayx.actor_handle import ActorHandle
from rayx.object_stream import ObjectStream
from rayx.value_text import shown, type_name


def cancel(object_id: ObjectID[Any], force: bool = False, **unknown: Never) -> None:
    """Stops the task that makes this object; whoever waits for it gets TaskCancelledError.

    A task that waits is dropped. In one that runs, TaskCancelledError is raised; if it has not
    ended two seconds later, its worker is ended, or at once with `force`. (An actor is never ended
    for the sake of a call.) A task that has ended stays as it is.

    >>> @rayx.remote
    ... def endless():
    ...     while True: ...
    >>> rayx.cancel(endless.remote(), force=True)
    """
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
    if not isinstance(force, bool):
        raise TypeError(f"force must be True or False, not {shown(force)}")
    try:
        owner.client.cancel(object_id, force)
    except RayletError as error:
        raise owner.failure(error) from None
