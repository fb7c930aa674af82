"""Calls of an actor with `max_concurrency=n`: in n threads.

    thread: next_task ──▶ pool of threads: call, result, next …        main thread: signals

A call is taken only when a thread is free for it, so that what waits, waits at the node, which may
still take it back. The main thread does nothing but hear signals: in a call of the system that
each of them wakes, so that none waits.
"""

from __future__ import annotations

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from rayx._raylet import RayletError
from rayx.process import forked_child
from rayx.running.interrupts import ThreadInterrupter

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.running.actor_runner import RunningActor
    from rayx.running.task_run import TaskRun
    from rayx.worker.context import WorkerContext


class ThreadedCalls:
    """Runs an actor's calls, until the node ends this worker."""

    def __init__(self, context: WorkerContext, actor: RunningActor) -> None:
        self._context = context
        self._actor = actor
        self._end: BaseException | None = None
        # Wakes the main thread.
        self._heard, self._sent = socket.socketpair()
        self._free = threading.Semaphore(actor.max_concurrency)
        self._pool = ThreadPoolExecutor(
            actor.max_concurrency,
            thread_name_prefix=actor.class_name,
            initializer=_leave_signals_to_main_thread,
        )

    def serve(self) -> None:
        """In the main thread. Raises what `next_task` raises, in the end."""
        self._sent.setblocking(False)
        signal.set_wakeup_fd(self._sent.fileno(), warn_on_full_buffer=False)
        reader = threading.Thread(target=self._read, name="rayx-calls", daemon=True)
        reader.start()
        try:
            while self._end is None:
                self._heard.recv(4096)
            raise self._end
        finally:
            signal.set_wakeup_fd(-1)
            reader.join()
            self._pool.shutdown(wait=False)
            self._heard.close()
            self._sent.close()

    def _read(self) -> None:
        """Takes calls as there is room for them, in a thread of its own."""
        _leave_signals_to_main_thread()
        try:
            while True:
                self._free.acquire()
                self._pool.submit(self._call, self._context.next_task())
        except BaseException as error:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        self._end = error
        self._sent.send(b"e")

    def _call(self, task: RunnableTask) -> None:
        try:
            run = self._context.new_run(task)
            if run.begins():
                self._try(run)
            self._actor.finish(run)
        except RayletError as error:
            if error.code == "Forked":
                forked_child.end(error)
            # Otherwise the main thread meets the same.
        except BaseException as error:  # a mistake of ours: the worker ends, lest the caller waits
            self._stop(error)
        finally:
            self._free.release()

    def _try(self, run: TaskRun) -> None:
        interrupter = ThreadInterrupter()
        interrupts = self._context.interrupts
        try:
            try:
                interrupts.open(run.task, interrupter)
                self._actor.begins(run.task)
                run.prepare()
                method: Any = self._actor.method(run.task.method)
                run.returned(method(*run.args, **run.kwargs))
            finally:
                if not interrupts.close(run.task):
                    interrupter.withdraw()
        except BaseException as error:
            if self._context.is_forked:
                forked_child.end(error)
            run.failed(interrupter.error_of(error))


def _leave_signals_to_main_thread() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
