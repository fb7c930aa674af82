"""The orderly end of a worker: what a Python program does at its end, bounded in time.

A worker ends so when the node tells it to: its actor is not needed any more, it has been idle for
long, or its driver ends. One that is killed (`rayx.kill`, a task that does not heed its time-out)
does nothing of this.

    coroutines cancelled ─▶ actor let go ─▶ threads joined ─▶ atexit ─▶ open files flushed

Most have little to finish, and others wait for their CPUs: what is not there is not looked after.

The end of a driver waits for workers that have something to finish. Those with an actor have.
Others say so when something is registered with `atexit` for the first time, as `weakref.finalize`,
`tempfile.TemporaryDirectory`, multiprocessing and joblib do.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import gc
import io
import os
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx._raylet import WORKER_EXIT_MS

if TYPE_CHECKING:
    from rayx.session import Session
    from rayx.worker.executor import Executor

# A second less than the node waits before it kills.
_SECONDS_MAX = WORKER_EXIT_MS / 1000 - 1
# What is registered with atexit is run after this time, though threads go on: one that never ends
# shall not keep files from being flushed. What time is left then is the threads' again.
_JOIN_SECONDS = 0.5
# How many calls are told of the place where an end is stuck.
_FRAMES_TOLD = 5

# Files that may have something to be written. They are types of C, which are told quickly.
_TEXTS = io.TextIOWrapper
_BUFFERS = (io.BufferedWriter, io.BufferedRandom)
_FILES = (_TEXTS, *_BUFFERS)

# Registered when they are imported, for each process that has them.
_HANDLERS_OF_EACH_PROCESS = (("logging", "shutdown"), ("multiprocessing.util", "_exit_function"))


# How many handlers a worker has before any task.
_handlers_at_first = 0


def install(note: Callable[[], object]) -> None:
    """In a worker that has just been forked; `note` is called when there is something to finish."""
    global _handlers_at_first
    _disown_handlers()
    _handlers_at_first = atexit._ncallbacks()
    register = atexit.register

    def register_and_note(func: Any, /, *args: Any, **kwargs: Any) -> Any:
        note()
        return register(func, *args, **kwargs)

    atexit.register = register_and_note


def _disown_handlers() -> None:
    """What the template has registered is the template's: preloaded modules may share a folder."""
    atexit._clear()
    finalizers: Any = weakref.finalize
    for info in list(finalizers._registry.values()):
        info.atexit = False
    finalizers._registered_with_atexit = False
    for module, name in _HANDLERS_OF_EACH_PROCESS:
        if module in sys.modules:
            atexit.register(getattr(sys.modules[module], name))


def run(executor: Executor, owner: Session) -> None:
    """Finishes all there is to finish. Does not return if that takes too long."""
    deadline = time.monotonic() + _SECONDS_MAX
    done = _thread.allocate_lock()
    done.acquire()
    # There may be no thread to be had; the node watches too. It is not waited for until the thread
    # runs, as threading.Thread does.
    with contextlib.suppress(RuntimeError):
        _thread.start_new_thread(_watch, (done, threading.get_ident()))
    executor.end()
    if _has_threads() or atexit._ncallbacks() > _handlers_at_first:
        gc.collect()  # before those: else once, at the end, is enough
    threads = _joining() if _has_threads() else None
    if threads is not None:
        threads.join(_JOIN_SECONDS)
    atexit._run_exitfuncs()
    owner.functions.forget_loaded()
    gc.collect()
    if threads is not None:
        threads.join(max(0.0, deadline - time.monotonic()))
    flush_files()
    done.release()


def _has_threads() -> bool:
    """Whether there are some to be joined, or pools of them to be ended."""
    return bool(_pool_ends()) or any(map(_holds_up_the_end, threading.enumerate()))


def _pool_ends() -> list[Callable[[], object]]:
    """What ends the pools of concurrent.futures."""
    ends: list[Callable[[], object]] = getattr(threading, "_threading_atexits", [])
    return ends


def _joining() -> threading.Thread:
    threads = threading.Thread(target=_join_threads, name="rayx-end", daemon=True)
    threads.start()
    return threads


def _join_threads() -> None:
    # Not `threading._shutdown`, which waits for the main thread too, unless it runs there.
    for end_pools in reversed(_pool_ends()):
        with contextlib.suppress(Exception):
            end_pools()
    while others := [one for one in threading.enumerate() if _holds_up_the_end(one)]:
        for thread in others:
            thread.join()


def _holds_up_the_end(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.main_thread()


def flush_files() -> None:
    """Writes what is buffered in files that are still open, as Python does at its end."""
    # The type itself is asked, since proxies of users may do anything when isinstance is.
    opened = [one for one in gc.get_objects() if issubclass(type(one), _FILES)]
    for kinds in (_TEXTS, _BUFFERS):
        for file in opened:
            if issubclass(type(file), kinds):
                with contextlib.suppress(Exception):  # it is closed, or the disk is full
                    file.flush()


def _watch(done: _thread.LockType, thread: int) -> None:
    if done.acquire(timeout=_SECONDS_MAX):
        return
    frame = sys._current_frames().get(thread)
    place = "".join(traceback.format_stack(frame)[-_FRAMES_TOLD:])
    print(
        f"rayx: a worker has not finished within {_SECONDS_MAX:g} seconds, and is ended. "
        f"It was at\n{place}",
        file=sys.stderr,
    )
    with contextlib.suppress(Exception):
        flush_files()
    os._exit(0)
