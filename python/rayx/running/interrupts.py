"""How a running task is stopped from outside: the node sends SIGURG, and we see who is meant.

    node ── writes (sequence, reason) into the claim memory, SIGURG ──▶ worker, main thread
                                                                          │
                          raise in the task that has this sequence ◀──────┘

The sequence protects the next task from what was meant for the last one.

Python throws away what is raised in a finalizer, a `__del__` or the callback of a weak reference.
If that was an interruption, `sys.unraisablehook` hears of it, and it comes again when the finalizer
has ended. What the standard library would report and forget, passes (broad_handlers.py).

SIGINT is the user's: a task that sends it to its own process, by `signal.raise_signal` or
`_thread.interrupt_main`, gets the KeyboardInterrupt that a program would get. Workers are in a
session of their own, so that Ctrl-C in the driver's terminal does not reach them.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx import errors
from rayx._raylet import INTERRUPT_TIMED_OUT, UnraisableHook
from rayx.running import broad_handlers

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.node_client import NodeClient

#: Called with the exception that the task is to end with.
Interrupter = Callable[[errors.RayxError], None]


class Interrupts:
    """The tasks that run in this process, and how each is interrupted."""

    def __init__(self, client: NodeClient) -> None:
        self._client = client
        # Held by who interrupts. Reentrant: the signal's handler runs in the main thread, wherever
        # that is.
        self._lock = threading.RLock()
        # Entered and taken out without the lock: each is one step of a dictionary.
        self._running: dict[int, tuple[RunnableTask, Interrupter]] = {}
        # Tasks that an interruption has taken out, and the interruption, until they are closed.
        self._interrupted: dict[
            int, tuple[RunnableTask, Interrupter, weakref.ref[errors.RayxError]]
        ] = {}
        self._report_unraisable = sys.unraisablehook

    def install(self) -> None:
        """From now on signals are heard, those of the node and SIGINT. In the main thread."""
        signal.signal(signal.SIGURG, self._on_signal)
        # The template ignores it, and what is ignored would be so in all that tasks start.
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._report_unraisable = sys.unraisablehook
        sys.unraisablehook = UnraisableHook(self._on_lost, signal.SIGURG)

    def open(self, task: RunnableTask, interrupter: Interrupter) -> None:
        """From now on the task can be interrupted, once. It is at once, if it should have been."""
        self._running[task.sequence] = (task, interrupter)
        self._look()

    def close(self, task: RunnableTask) -> bool:
        """The task cannot be interrupted any more; False if it was."""
        if self._running.pop(task.sequence, None) is not None:
            return True
        with self._lock:  # the thread that has taken it out may still be at it
            self._interrupted.pop(task.sequence, None)
            self._running.pop(task.sequence, None)  # it was to come again
            return False

    def _on_signal(self, number: int, frame: Any) -> None:
        self._look()

    def _on_interrupt(self, number: int, frame: Any) -> None:
        """Stops what runs in the main thread if it is a task; between tasks it is nobody's."""
        if any(interrupter is raise_here for _, interrupter in list(self._running.values())):
            raise KeyboardInterrupt

    def _look(self) -> None:
        sequence, reason = self._client.interrupt()
        if reason == 0:
            return
        with self._lock:
            task, interrupter = self._running.pop(sequence, (None, None))
            if task is None or interrupter is None:
                return
            broad_handlers.let_pass(self.has_raised)
            error = error_for(task, reason)
            self._interrupted[sequence] = (task, interrupter, weakref.ref(error))
            try:
                interrupter(error)
            finally:
                del error  # see `raise_here`

    def has_raised(self, error: BaseException | None) -> bool:
        """Whether this is the interruption of a task that has not ended. In the task's thread."""
        if error is None or type(error) not in errors.INTERRUPTIONS:
            return False
        with self._lock:
            return any(
                interrupter.has_raised(error)
                if isinstance(interrupter, ThreadInterrupter)
                else error is raised()
                for _, interrupter, raised in list(self._interrupted.values())
            )

    def _on_lost(self, lost: sys.UnraisableHookArgs) -> bool | type[BaseException]:
        """Something was raised where nobody can catch it. In the thread where it was.

        Returns what UnraisableHook is to do.
        """
        error = lost.exc_value
        if error is not None and type(error) in errors.INTERRUPTIONS:
            with self._lock:
                # A signal that comes in between may interrupt another.
                for task, interrupter, raised in list(self._interrupted.values()):
                    if isinstance(interrupter, ThreadInterrupter):
                        if interrupter.has_raised(error):
                            return type(error)
                    elif error is raised():
                        self._interrupted.pop(task.sequence, None)
                        self._running[task.sequence] = (task, interrupter)
                        return True
        self._report_unraisable(lost)
        return False


def error_for(task: RunnableTask, reason: int) -> errors.RayxError:
    """What a task that was interrupted ends with."""
    if reason == INTERRUPT_TIMED_OUT:
        seconds = task.options["timeout_ms"] / 1000
        return errors.TaskTimeoutError(
            f"{task.name} ran for longer than its timeout of {seconds:g} seconds"
        )
    return errors.TaskCancelledError(f"{task.name} was cancelled by rayx.cancel while it ran")


def raise_here(error: errors.RayxError) -> None:
    """Interrupts what runs in the main thread: its signal handler raises."""
    try:
        raise error
    finally:
        # Else the error, its traceback and this frame would keep each other, and all that the
        # interrupted code had, until the next collection of garbage.
        del error


class ThreadInterrupter:
    """Interrupts what runs in the thread that made it, when that runs Python the next time."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self.error: errors.RayxError | None = None

    def __call__(self, error: errors.RayxError) -> None:
        """In another thread."""
        self.error = error
        _set_async_error(self._thread, type(error))

    def withdraw(self) -> None:
        """In the thread itself: an exception that has not come yet shall not come any more."""
        _set_async_error(self._thread, None)

    def has_raised(self, error: BaseException | None) -> bool:
        """In the thread itself: whether this is it. Python raises our class, without a text."""
        if self.error is None or type(error) is not type(self.error):
            return False
        return threading.get_ident() == self._thread and not error.args

    def error_of(self, error: BaseException) -> BaseException:
        """The exception, with its text if it is ours."""
        if self.error is not None and self.has_raised(error):
            error.args = self.error.args
        return error


def _set_async_error(thread: int, kind: type[BaseException] | None) -> None:
    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
