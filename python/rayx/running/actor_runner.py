"""The actor that a worker holds: its instance, its methods, and who waits for whom.

    creation ──▶ instance ──▶ call, call, call …

Calls of a plain actor run like tasks, one after the other in the main thread. For those that run
side by side see actor_threads.py and actor_coroutines.py.
"""

from __future__ import annotations

import enum
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

from rayx import errors, session
from rayx._raylet import TASK_ID_BYTES, RayletError
from rayx.calls import actor_description
from rayx.calls.actor_options import RESTORE, SAVE, SAVE_EVERY
from rayx.values import serialization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rayx._raylet import ObjectID, RunnableTask
    from rayx.running.task_run import TaskRun

_bind = types.MethodType


class Concurrency(enum.Enum):
    """How the calls of an actor run."""

    SEQUENTIAL = "in order, in the main thread"
    THREADS = "in threads"
    COROUTINES = "on an event loop in the main thread"


class RunningActor:
    """An actor in its own process. Made before its instance is."""

    def __init__(self, task: RunnableTask, cls: type) -> None:
        self.actor_id = task.task_id
        self.class_name = task.name
        self.max_concurrency = task.options["max_concurrency"]
        self.concurrency = _concurrency(cls, task.options["max_concurrency"])
        self._class = cls
        self._instance: Any = None
        # What an earlier life has left.
        self._state = task.state
        # After how many calls the state is saved; 0 if the class has nothing to say.
        self._save_every = 1 if hasattr(cls, SAVE) else 0
        self._finished_calls = 0
        # From the saving of a state until it has been sent: a newer one must not come before it.
        self._saving = threading.Lock()
        # Names of methods that are functions of the class, each as the text that the interpreter
        # has of it: by another one, equal as it is, it would look through all base classes.
        self._plain_methods: dict[str, str] = {}
        # Calls of this actor, made by itself, that have not begun; by the ids of their tasks.
        self._own_calls: set[bytes] = set()

    def make(self, /, *args: Any, **kwargs: Any) -> None:
        """Makes the instance, and gives it the state that it had before the worker died."""
        self._save_every = kwargs.pop(SAVE_EVERY, self._save_every)
        self._instance = self._class(*args, **kwargs)
        if self._state is not None:
            stored = session.current().client.get([self._state], -1)[0]
            getattr(self._instance, RESTORE)(serialization.deserialize(stored))
            self._state = None

    def method(self, name: str) -> Callable[..., Any]:
        """The method of the instance's class, even if the instance has an attribute of its name.

        `self.value = 0` beside `def value(self)` does not hide the method: attributes are not what
        others call.
        """
        known = self._plain_methods.get(name)
        if known is not None:  # as most are
            instance = self._instance
            return _bind(getattr(type(instance), known), instance)
        return self._bound(name)

    def _bound(self, name: str) -> Callable[..., Any]:
        instance = self._instance
        kind: Any = type(instance)
        for base in kind.__mro__:
            if name in vars(base):
                raw = vars(base)[name]
                if type(raw) is types.FunctionType:
                    self._plain_methods[name] = sys.intern(name)
                bind = getattr(type(raw), "__get__", None)
                found: Callable[..., Any] = raw if bind is None else bind(raw, instance, kind)
                return found
        made: Callable[..., Any] = getattr(instance, name)  # by a `__getattr__`
        return made

    def begins(self, task: RunnableTask) -> None:
        """A call is about to run."""
        if self._own_calls:
            self._own_calls.discard(task.task_id)

    def finish(self, run: TaskRun) -> None:
        """A call has come to its end: reports it, together with the state if it is time for that.

        A caller that sees the call's result may rely on the state to be safe. So a state that
        cannot be saved makes the call fail.
        """
        if not self._save_every:
            run.finish()
            return
        with self._saving:
            self._finished_calls += 1
            if self._finished_calls % self._save_every == 0:
                try:
                    run.state = self._save()
                except BaseException as error:
                    run.failed(error)
            run.finish()

    def _save(self) -> ObjectID[Any]:
        state = getattr(self._instance, SAVE)()
        stored = serialization.serialize(state, f"the state of {self.class_name}")
        try:
            return session.current().client.put(*stored)
        except RayletError as error:
            raise errors.from_status(error.code, error.message) from None

    def note_call(self, actor: ObjectID[Any], results: Sequence[ObjectID[Any]]) -> None:
        """This process has called a method of some actor. Of interest if that is this one."""
        if results and actor.binary().startswith(self.actor_id):
            self._own_calls.add(results[0].binary()[:TASK_ID_BYTES])

    def check_wait(self, ids: Sequence[ObjectID[Any]], count: int) -> None:
        """DeadlockError if a wait for `count` of these ids keeps them from ever being there.

        That is so if calls of this actor are among them, since they run after the present one. To
        be asked before waiting without end.
        """
        if not self._own_calls or self.concurrency is Concurrency.THREADS:
            return
        if threading.current_thread() is not threading.main_thread():
            return  # a thread of the user's, which holds up nothing
        own = [one for one in ids if one.binary()[:TASK_ID_BYTES] in self._own_calls]
        if len(ids) - len(own) < count:
            raise errors.DeadlockError(
                f"the actor {self.class_name} waits for a call of itself ({own[0]!r}), which runs "
                "only after the present one. Call the method directly (self.method()), return "
                "the ObjectID in place of its value, or make the actor with max_concurrency=2"
            )


def _concurrency(cls: type, max_concurrency: int) -> Concurrency:
    if actor_description.is_async(cls):
        return Concurrency.COROUTINES
    return Concurrency.SEQUENTIAL if max_concurrency == 1 else Concurrency.THREADS
