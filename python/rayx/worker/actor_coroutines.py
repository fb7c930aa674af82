"""Calls of an actor whose class has `async def` methods: coroutines of one event loop.

    thread: next_task ──▶ main thread, event loop: a coroutine for each call

At most `max_concurrency` of them have begun and not ended. Plain methods run on the loop too, so
that all of the actor's code runs in one thread.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from rayx import errors
from rayx.running.interrupts import raise_here
from rayx.running.stream_run import StreamRun

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.running.actor_runner import RunningActor
    from rayx.running.task_run import TaskRun
    from rayx.worker.context import WorkerContext


class CoroutineCalls:
    """Runs an actor's calls, until the node ends this worker."""

    def __init__(self, context: WorkerContext, actor: RunningActor) -> None:
        self._context = context
        self._actor = actor
        self._free = threading.Semaphore(actor.max_concurrency)
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._ended = self._loop.create_future()
        # The loop itself refers to its tasks weakly.
        self._calls: set[asyncio.Task[None]] = set()

    def make(self, /, *args: Any, **kwargs: Any) -> None:
        """Makes the actor's instance, on the loop: `__init__` may start tasks of its own."""

        async def on_loop() -> None:
            self._actor.make(*args, **kwargs)

        self._loop.run_until_complete(on_loop())

    def serve(self) -> None:
        """In the main thread. Raises what `next_task` raises, in the end."""
        reader = threading.Thread(target=self._read, name="rayx-calls", daemon=True)
        reader.start()
        with _Alarm(self._loop):
            self._loop.run_until_complete(self._ended)

    def run(self, task: RunnableTask) -> None:
        """Runs one call to its end."""
        self._loop.run_until_complete(self._call(task))

    def close(self) -> None:
        """The actor has ended, or could not be made: what it has left on the loop is cancelled."""
        try:
            self._loop.run_until_complete(self._cancel_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _cancel_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _read(self) -> None:
        """Takes calls as there is room for them, in a thread of its own."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
        try:
            while True:
                self._free.acquire()
                task = self._context.next_task()
                self._loop.call_soon_threadsafe(self._start, task)
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._end, error)

    def _start(self, task: RunnableTask) -> None:
        call = self._loop.create_task(self._call(task))
        self._calls.add(call)
        call.add_done_callback(self._forget)

    def _forget(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._free.release()
        error = None if call.cancelled() else call.exception()
        if error is not None:  # the connection is gone
            self._end(error)

    def _end(self, error: BaseException) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    async def _call(self, task: RunnableTask) -> None:
        run = self._context.new_run(task)
        if run.begins():
            await self._try(run)
        self._actor.finish(run)

    async def _try(self, run: TaskRun) -> None:
        interrupts = self._context.interrupts
        canceller = _Canceller(self._loop)
        try:
            try:
                # While plain code runs, the signal's handler is on top of it.
                interrupts.open(run.task, raise_here)
                self._actor.begins(run.task)
                run.prepare()
                method = self._actor.method(run.task.method)
                value = method(*run.args, **run.kwargs)
                if run.task.options["stream_window"]:
                    interrupts.close(run.task)
                    interrupts.open(run.task, canceller)
                    stream = StreamRun(run.task, self._context.client)
                    await stream.run_async(value)
                    run.streamed(stream)
                    return
                if inspect.isawaitable(value):
                    interrupts.close(run.task)
                    interrupts.open(run.task, canceller)
                    value = await value
                run.returned(value)
            finally:
                interrupts.close(run.task)
        except BaseException as error:
            interrupts.close(run.task)  # again: a signal may have come before it had begun to
            run.failed(canceller.error_of(error))


class _Alarm:
    """Wakes the loop for each signal: one that comes just before it sleeps would wait for ever."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heard, self._sent = socket.socketpair()

    def __enter__(self) -> None:
        for end in (self._heard, self._sent):
            end.setblocking(False)
        signal.set_wakeup_fd(self._sent.fileno(), warn_on_full_buffer=False)
        # It is enough that the loop goes round; then the handler has run.
        self._loop.add_reader(self._heard, self._heard.recv, 4096)

    def __exit__(self, *unused: object) -> None:
        signal.set_wakeup_fd(-1)
        self._loop.remove_reader(self._heard)
        self._heard.close()
        self._sent.close()


class _Canceller:
    """Interrupts a coroutine: it is cancelled where it waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._call = asyncio.current_task(loop)
        self._error: errors.RayxError | None = None

    def __call__(self, error: errors.RayxError) -> None:
        """In a signal's handler, in the middle of whatever the loop does."""
        self._error = error
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._call is not None and not self._call.done():
            self._call.cancel()

    def error_of(self, error: BaseException) -> BaseException:
        """What the call ends with: not the cancelling, but what it was for."""
        if self._error is not None and issubclass(type(error), asyncio.CancelledError):
            return self._error.with_traceback(error.__traceback__)
        return error
