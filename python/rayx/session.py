"""The one thing `rayx.init()` makes: a connection, and what belongs to it.

    current().client.pool_bytes

The current session is the only state this package keeps in a module, and `set_current` the only way
to change it.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from rayx import errors
from rayx._raylet import RayletError, set_object_id_hooks
from rayx.values import importable, reducers, serialization
from rayx.values.function_table import FunctionTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rayx._raylet import ObjectID
    from rayx.node_client import NodeClient
    from rayx.output import OutputPrinter

#: A driver that prints what its tasks print, and their errors.
SCRIPT_MODE: Final = 0
#: A worker. Not for users.
WORKER_MODE: Final = 1
#: Tasks run in the midst of the calls that make them, in this process: for debugging.
PYTHON_MODE: Final = 2
#: SCRIPT_MODE without printed errors.
SILENT_MODE: Final = 3


if TYPE_CHECKING:

    class Waiter(Protocol):
        """Somebody who must hear of the end of the session."""

        def close(self) -> None: ...

    class Processes(Protocol):
        """Those of a session, started by this driver (processes.py) or by another (joining.py)."""

        @property
        def keeps_logs(self) -> bool: ...

        def why_it_ended(self) -> str: ...

        def stop(self) -> None: ...

        def abandon(self) -> None: ...

    class News(Protocol):
        """What has changed in a driver since its workers were told (driver_config.py)."""

        def take(self) -> bytes | None: ...

    class HeldActor(Protocol):
        """The actor that this process holds (actor_runner.py), as callers and waiters see it."""

        def note_call(self, actor: ObjectID[Any], results: Sequence[ObjectID[Any]]) -> None: ...

        def check_wait(self, ids: Sequence[ObjectID[Any]], count: int) -> None: ...


class Session:
    """What this process needs to be a driver or a worker."""

    def __init__(
        self,
        client: NodeClient,
        mode: int,
        processes: Processes | None = None,
        output: OutputPrinter | None = None,
        news: News | None = None,
    ) -> None:
        self.client = client
        self.mode = mode
        self.processes = processes
        self.output = output
        #: What a driver has to tell its workers.
        self.news = news
        # Weakly: a cycle would keep the connection until the next garbage collection.
        self.functions = FunctionTable(
            client,
            weakref.WeakMethod(self.failure),
            weakref.WeakMethod(self.tell_news),
            keeps_loaded=mode == WORKER_MODE,
        )
        #: In PYTHON_MODE: the session of the task that the calling thread runs, if it runs one.
        self.innermost: Callable[[], Session | None] | None = None
        #: Closed with the session: those who wait for its objects elsewhere.
        self.waiters: list[Waiter] = []
        #: This process is a fork of the one that made the session.
        self.forked = False
        self.closed = False
        #: What `init` has returned, and what it was asked for; empty and None in a worker.
        self.addresses: dict[str, Any] = {}
        self.options: object = None
        #: Ids follow from a number, so nothing that makes ids may depend on time.
        self.has_seed = False
        #: The name of the function that a worker runs.
        self.running: str | None = None
        #: The actor that a worker holds.
        self.actor: HeldActor | None = None
        #: The GPUs of the task or the actor that a worker runs.
        self.gpu_ids: list[int | str] = []
        #: Pickled functions that a worker has to run before its next task.
        self.setups: list[bytes] = []
        #: Whether advice is printed, and the causes that were named (hints.py).
        self.hints = True
        self.hints_given: set[str] = set()
        # Ids that others have pickled (into a file, a queue): nobody can say when they are dropped.
        self._escaped: dict[bytes, ObjectID[Any]] = {}

    def keep(self, object_id: ObjectID[Any]) -> None:
        """Keeps an id for as long as the session."""
        self._escaped[object_id.binary()] = object_id
        # The node must know the object before others ask for it. Who has no connection to it, hears
        # so when it matters.
        with suppress(RayletError):
            self.client.poll()

    def tell_news(self) -> None:
        """Workers shall import from where this driver does, and log as it does, since `init` too.

        To be called before something is sent for which that may matter.
        """
        news = None if self.news is None or self.forked else self.news.take()
        if news is not None:
            with suppress(RayletError):  # what follows fails in the same way, and says so
                self.client.add_worker_setup(news)

    def close(self) -> None:
        """Ends the connection and the processes. What workers printed is printed first."""
        self.closed = True
        try:
            if self.output is not None:
                self.output.finish()
            for waiter in list(self.waiters):
                waiter.close()
            self._escaped.clear()
            self.functions.close()
            self.client.close()
        finally:
            if self.processes is not None:
                self.processes.stop()

    def failure(self, error: RayletError) -> errors.RayxError:
        """What to raise for a call of the client that failed."""
        if self.closed and error.code == "Disconnected":
            return errors.NotInitializedError(
                "rayx.shutdown() was called while this call was under way"
            )
        if error.code == "Forked" or self.forked:
            return _forked()
        message = error.message
        if error.code == "Disconnected" and self.processes is not None:
            why = self.processes.why_it_ended()
            message += f": {why}" if why else ""
        return errors.from_status(error.code, message)


_current: Session | None = None
#: Held while a session is started or ended.
changing = threading.RLock()


def current() -> Session:
    """The session of this process; an error that says what to do if there is none."""
    session = _current
    if session is None:
        raise errors.NotInitializedError("there is no session: call rayx.init() first")
    if session.forked:
        raise _forked()
    if session.innermost is not None:
        return session.innermost() or session
    return session


def of_process() -> Session:
    """The same, but in a task of PYTHON_MODE the driver's, which lives longer."""
    session = current()
    return session if _current is None else _current


def peek() -> Session | None:
    """The session, if there is one, even if it is a fork's."""
    if _current is not None and _current.innermost is not None:
        return _current.innermost() or _current
    return _current


def set_current(session: Session | None) -> Session | None:
    """Makes `session` the current one, and returns the one before."""
    global _current
    before, _current = _current, session
    return before


def _forked() -> errors.ForkedProcessError:
    return errors.ForkedProcessError(
        f"process {os.getpid()} is a fork of a process that uses rayx, and cannot share its "
        "connection. Use remote functions in place of the fork, start the process by 'spawn' "
        "(multiprocessing.get_context('spawn')), or call rayx.init() in it for its own session."
    )


def _after_fork_in_child() -> None:
    global changing
    changing = threading.RLock()  # another thread may have held it
    if _current is not None and _current.mode != PYTHON_MODE:  # which needs no connection
        _current.forked = True
        if _current.processes is not None:
            _current.processes.abandon()


os.register_at_fork(after_in_child=_after_fork_in_child)


# ---- what a driver is told of ------------------------------------------------------------------


def _on_new_module() -> None:
    if _current is not None:
        _current.tell_news()


def _on_failure_got(error: errors.RayxError) -> None:
    if _current is not None and _current.output is not None and not _current.forked:
        _current.output.failures.got(error)


importable.set_announce_hook(_on_new_module)
serialization.set_failure_hook(_on_failure_got)


# ---- memory of stored objects --------------------------------------------------------------------


def _private_copy(memory: memoryview) -> Any:
    owner = peek()
    return None if owner is None else owner.client.private_copy(memory)


reducers.set_copy_hook(_private_copy)


# ---- ids that are pickled ------------------------------------------------------------------------


def note_pickled(object_id: ObjectID[Any]) -> None:
    """An id is being pickled: into an object of ours, which then keeps it, or for others."""
    if not serialization.collect(object_id) and _current is not None:
        _current.keep(object_id)


def rebuild_object_id(binary: bytes) -> ObjectID[Any]:
    """What an ObjectID is pickled as a call of."""
    return current().client.object_id(binary)


set_object_id_hooks(note_pickled, rebuild_object_id)
