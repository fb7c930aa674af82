"""`await object_id`, `object_id.future()`, `asyncio.wait(ids)`: no thread for each that waits.

    event loop ── add_reader ──▶ Completions.fileno(): something has become available
               └─ add_reader ──▶ Client.fileno():      the node has sent something: poll()

    futures ◀── one thread of this process, which takes from a queue of its own

What is available is got at once, where it was waited for: on the loop, or in that thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from rayx import errors, session
from rayx._raylet import RayletError
from rayx.text.value_text import shown
from rayx.values import serialization
from rayx.waiting.patience import Patience

if TYPE_CHECKING:
    from rayx._raylet import ObjectID

DoneCallback = Callable[["ObjectID[Any]"], object]

_CLOSE_SECONDS = 1.0


def on_await(object_id: ObjectID[Any]) -> Generator[Any, None, Any]:
    """What `await object_id` does."""
    owner = session.of_process()
    return _LoopWaiter.of(owner).wait_for(object_id).__await__()


async def one_available(object_ids: Sequence[ObjectID[Any]]) -> None:
    """Returns when one of these is there, whatever it is; what it is, is not looked at."""
    waiter = _LoopWaiter.of(session.of_process())
    waiting = [waiter.wait_for(one, fetches=False) for one in object_ids]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    for one in waiting:
        if one.done() and not one.cancelled():
            one.result()  # of a connection that is gone


def future(object_id: ObjectID[Any]) -> Future[Any]:
    """What `object_id.future()` returns."""
    owner = session.of_process()
    with session.changing:
        waiter = next((one for one in owner.waiters if isinstance(one, _ThreadWaiter)), None)
        if waiter is None:
            waiter = _ThreadWaiter(owner)
            owner.waiters.append(waiter)
    return waiter.wait_for(object_id)


def done(object_id: ObjectID[Any]) -> bool:
    """What `object_id.done()` returns."""
    owner = session.current()
    try:
        return owner.client.wait([object_id], 1, 0)[0]
    except RayletError as error:
        raise owner.failure(error) from None


def result(object_id: ObjectID[Any]) -> Any:
    """What `object_id.result()` returns."""
    error = exception(object_id)
    if error is not None:
        raise error
    return serialization.deserialize(session.current().client.get([object_id], -1)[0])


def exception(object_id: ObjectID[Any]) -> BaseException | None:
    """What `object_id.exception()` returns."""
    if not done(object_id):
        raise asyncio.InvalidStateError(f"{object_id!r} is not there yet: rayx.get waits for it")
    stored = session.current().client.get([object_id], -1)[0]
    return serialization.stored_error(stored) if serialization.is_error(stored) else None


def add_done_callback(
    object_id: ObjectID[Any], callback: DoneCallback, context: contextvars.Context | None
) -> None:
    """What `object_id.add_done_callback()` does."""
    _LoopWaiter.of(session.of_process()).call_back(object_id, callback, context)


def remove_done_callback(object_id: ObjectID[Any], callback: DoneCallback) -> int:
    """What `object_id.remove_done_callback()` does."""
    waiter = _LoopWaiter.find(session.of_process(), asyncio.get_running_loop())
    return 0 if waiter is None else waiter.withdraw(object_id, callback)


def _outcome(owner: session.Session, object_id: ObjectID[Any]) -> tuple[Any, Exception | None]:
    """The value of an object that is available, or what `get` raises."""
    try:
        return serialization.deserialize(owner.client.get([object_id], -1)[0]), None
    except RayletError as error:
        return None, owner.failure(error)
    except Exception as error:
        return None, error


def _return_cpus(owner: session.Session, loan: int) -> None:
    # Nothing is borrowed any more when the connection is gone.
    with contextlib.suppress(RayletError):
        owner.client.return_cpus(loan)


def _closed() -> errors.NotInitializedError:
    return errors.NotInitializedError("rayx.shutdown() was called while this object was awaited")


def _close_those_of_closed_loops(owner: session.Session) -> None:
    for one in list(owner.waiters):
        if isinstance(one, _LoopWaiter) and one.loop.is_closed():
            one.close()


class _LoopWaiter:
    """Those that wait on one event loop. There while somebody does."""

    def __init__(self, owner: session.Session, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self.loop = loop
        self._futures: dict[ObjectID[Any], list[asyncio.Future[Any]]] = {}
        # The futures that do not want the value.
        self._lookers: set[asyncio.Future[Any]] = set()
        # The lookers that are there for a callback.
        self._callbacks: dict[asyncio.Future[Any], DoneCallback] = {}
        self._queue = owner.client.completions()
        self._node_fd = owner.client.fileno()
        self._queue_fd = self._queue.fileno()
        self._is_open = True
        self._on_loop_closed: Callable[[], None] | None = None
        self._patience = Patience()
        self._timer = self._look_later()
        # What a task awaits may need the CPU that the task has.
        self._loan = owner.client.lend_cpus()
        loop.add_reader(self._queue_fd, self._on_available)
        # Another of these may watch the same socket on another loop, but not on this one.
        if self._node_fd >= 0:
            loop.add_reader(self._node_fd, self._on_node)
        self._end_with_loop()

    @classmethod
    def find(cls, owner: session.Session, loop: asyncio.AbstractEventLoop) -> _LoopWaiter | None:
        """The one of this loop, if there is one."""
        for one in owner.waiters:
            if isinstance(one, cls) and one.loop is loop:
                return one
        return None

    @classmethod
    def of(cls, owner: session.Session) -> _LoopWaiter:
        """Of the loop that runs in this thread."""
        loop = asyncio.get_running_loop()
        found = cls.find(owner, loop)
        if found is not None:
            return found
        _close_those_of_closed_loops(owner)
        try:
            made = cls(owner, loop)
        except RayletError as error:
            raise owner.failure(error) from None
        owner.waiters.append(made)
        return made

    def wait_for(self, object_id: ObjectID[Any], fetches: bool = True) -> asyncio.Future[Any]:
        """Has the object's value when it is there; or None, if it is not to be fetched."""
        waiting: asyncio.Future[Any] = self.loop.create_future()
        waiting.add_done_callback(lambda done: self._forget(object_id, done))
        if not fetches:
            self._lookers.add(waiting)
        others = self._futures.setdefault(object_id, [])
        others.append(waiting)
        if len(others) == 1:
            try:
                self._queue.add([object_id])
                # What is there already is in the queue now; the loop need not go round for it.
                self._on_available()
            except RayletError as error:
                self._fail(error)
        return waiting

    def call_back(
        self,
        object_id: ObjectID[Any],
        callback: DoneCallback,
        context: contextvars.Context | None,
    ) -> None:
        """Calls `callback(object_id)` when the object is there, or never will be."""

        def call(done: asyncio.Future[Any]) -> None:
            self._callbacks.pop(done, None)
            if not done.cancelled():
                done.exception()  # now it counts as seen: the callback asks again
                callback(object_id)

        looker = self.wait_for(object_id, fetches=False)
        self._callbacks[looker] = callback
        looker.add_done_callback(call, context=context)

    def withdraw(self, object_id: ObjectID[Any], callback: DoneCallback) -> int:
        """Those that were to be called back are not; returns how many."""
        waiting = self._futures.get(object_id, ())
        found = [one for one in waiting if self._callbacks.get(one) == callback and not one.done()]
        for one in found:
            one.cancel()
        return len(found)

    def _end_with_loop(self) -> None:
        """A loop may be closed while somebody waits on it. It tells nobody."""
        loop, close_loop = self.loop, self.loop.close

        def close() -> None:
            close_loop()
            self.close()

        attributes = getattr(loop, "__dict__", {})  # uvloop's have none that can be set
        if "close" not in attributes:
            attributes["close"] = self._on_loop_closed = close

    def close(self) -> None:
        """The session ends, or the loop. In any thread."""
        if self.loop.is_closed():
            self._close(None)
            return
        try:
            here = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            here = False
        if here or not self.loop.is_running():
            self._close(_closed())
            return
        closed = threading.Event()

        def close() -> None:
            self._close(_closed())
            closed.set()

        self.loop.call_soon_threadsafe(close)
        closed.wait(_CLOSE_SECONDS)

    def _on_node(self) -> None:
        try:
            self._owner.client.poll()
        except RayletError as error:
            self._fail(error)

    def _on_available(self) -> None:
        try:
            taken = self._queue.take(0)
        except RayletError as error:
            self._fail(error)
            return
        if taken:
            self._patience = Patience()
        for object_id in taken:
            waiting = self._futures.pop(object_id, [])
            lookers = [one for one in waiting if one in self._lookers]
            for one in lookers:
                _settle(one, None, None)
            if len(lookers) == len(waiting):
                continue
            value, failure = _outcome(self._owner, object_id)
            for one in waiting:
                _settle(one, value, failure)

    def _forget(self, object_id: ObjectID[Any], done: asyncio.Future[Any]) -> None:
        """A future has its result, or was cancelled."""
        self._lookers.discard(done)
        others = self._futures.get(object_id)
        if others is not None and done in others:
            others.remove(done)
            if not others:
                del self._futures[object_id]
                if self._is_open:
                    self._queue.discard(object_id)
        # The one that has waited may be about to wait for the next.
        if not self._futures and not self.loop.is_closed():
            self.loop.call_soon(self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._futures:
            self._close(None)

    def _look_later(self) -> asyncio.TimerHandle:
        part_ms = self._patience.part_ms(-1)
        return self.loop.call_later(part_ms / 1000, self._look, self._patience, part_ms)

    def _look(self, patience: Patience, part_ms: int) -> None:
        """Somebody may have waited for long. In a thread, since the node may be slow to answer."""
        waiting = list(self._futures)
        # Else something has come meanwhile.
        if waiting and patience is self._patience:
            threading.Thread(
                target=patience.look, args=(waiting, part_ms), name="rayx-look", daemon=True
            ).start()
            self._timer = self.loop.call_later(part_ms / 1000, self._look, patience, part_ms)
        else:
            self._patience = Patience()
            self._timer = self._look_later()

    def _fail(self, error: RayletError) -> None:
        self._close(self._owner.failure(error))

    def _close(self, reason: Exception | None) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._timer.cancel()
        if self._on_loop_closed is not None:
            del self.loop.__dict__["close"]
            self._on_loop_closed = None
        if self in self._owner.waiters:
            self._owner.waiters.remove(self)
        if not self.loop.is_closed():
            self.loop.remove_reader(self._queue_fd)
            if self._node_fd >= 0:
                self.loop.remove_reader(self._node_fd)
        self._queue.close()
        _return_cpus(self._owner, self._loan)
        waiting, self._futures = self._futures, {}
        if reason is not None and not self.loop.is_closed():
            for futures in waiting.values():
                for one in futures:
                    _settle(one, None, reason)


class _ThreadWaiter:
    """The thread that gives futures their results."""

    def __init__(self, owner: session.Session) -> None:
        self._owner = owner
        # Reentrant, as all locks that a finalizer may meet: garbage is collected anywhere, and a
        # `__del__` may ask for a future.
        self._lock = threading.RLock()
        self._futures: dict[ObjectID[Any], list[Future[Any]]] = {}
        self._loan = 0
        try:
            self._queue = owner.client.completions()
        except RayletError as error:
            raise owner.failure(error) from None
        self._thread = threading.Thread(target=self._run, name="rayx-futures", daemon=True)
        self._thread.start()

    def wait_for(self, object_id: ObjectID[Any]) -> Future[Any]:
        """Has the object's value when it is there."""
        made: Future[Any] = Future()
        with self._lock:
            others = self._futures.setdefault(object_id, [])
            # Another thread, or a finalizer, may take itself for the first too, which does no harm.
            is_first = not others
            others.append(made)
        if is_first:
            try:
                self._match_loan()
                self._queue.add([object_id])
            except RayletError as error:
                with self._lock:
                    self._futures.pop(object_id, None)
                raise self._owner.failure(error) from None
        made.add_done_callback(lambda done: self._forget(object_id, done))
        return made

    def close(self) -> None:
        """The session ends."""
        self._queue.close()
        if self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_SECONDS)
        self._fail_all(_closed())

    def _run(self) -> None:
        try:
            patience = Patience()
            while True:
                part_ms = patience.part_ms(-1)
                taken = self._queue.take(part_ms)
                for object_id in taken:
                    self._give(object_id)
                if taken:
                    patience = Patience()
                else:
                    self._look(patience, part_ms)
        except RayletError as error:
            reason = _closed() if self._owner.closed else self._owner.failure(error)
            self._fail_all(reason)

    def _look(self, patience: Patience, part_ms: int) -> None:
        with self._lock:
            waiting = list(self._futures)
        if waiting:
            patience.look(waiting, part_ms)

    def _give(self, object_id: ObjectID[Any]) -> None:
        value, error = _outcome(self._owner, object_id)
        with self._lock:
            waiting = self._futures.pop(object_id, [])
        self._match_loan()
        for one in waiting:
            if one.set_running_or_notify_cancel():
                _settle(one, value, error)

    def _match_loan(self) -> None:
        """A task that has futures may wait for one: what that is for may need the task's CPU."""
        with self._lock:
            if not self._futures:
                _return_cpus(self._owner, self._loan)
                self._loan = 0
            elif not self._loan:
                self._loan = self._owner.client.lend_cpus()

    def _forget(self, object_id: ObjectID[Any], done: Future[Any]) -> None:
        """A future was cancelled, or has its result."""
        with self._lock:
            others = self._futures.get(object_id)
            if others is None or done not in others:
                return
            others.remove(done)
            if others:
                return
            del self._futures[object_id]
        self._match_loan()
        self._queue.discard(object_id)

    def _fail_all(self, reason: Exception) -> None:
        with self._lock:
            waiting, self._futures = self._futures, {}
        for futures in waiting.values():
            for one in futures:
                if one.set_running_or_notify_cancel():
                    _settle(one, None, reason)


def _settle(
    waiting: asyncio.Future[Any] | Future[Any], value: Any, error: Exception | None
) -> None:
    if waiting.done():
        return
    if error is None:
        waiting.set_result(value)
    elif isinstance(error, StopIteration):  # which asyncio cannot carry
        carrier = RuntimeError(f"the task raised {shown(error, 1000)}")
        carrier.__cause__ = error
        waiting.set_exception(carrier)
    else:
        waiting.set_exception(error)
