"""The orderly end of a worker: what a Python program does at its end, bounded in time.

A worker ends so when the node tells it to: its actor is not needed any more, it has been idle for
long, or its driver ends. One that is killed (`rayx.kill`, a task that does not heed its time-out)
does nothing of this.

    coroutines cancelled ─▶ actor let go ─▶ threads joined ─▶ atexit ─▶ open files flushed

The end of a driver waits for workers that have something to finish. Those with an actor have.
Others say so when something is registered with `atexit` for the first time, as `weakref.finalize`,
`tempfile.TemporaryDirectory`, multiprocessing and joblib do.
"""

from __future__ import annotations

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

if TYPE_CHECKING:
    from rayx.executor import Executor
    from rayx.session import Session

# A second less than the node waits before it kills (limits::kWorkerExitMs).
_SECONDS_MAX = 4.0
# What is registered with atexit is run after this time, though threads go on: one that never ends
# shall not keep files from being flushed. What time is left then is the threads' again.
_JOIN_SECONDS = 0.5
# Of the place where an end is stuck, the calls that are told.
_FRAMES_TOLD = 5

# Registered when they are imported, for each process that has them.
_HANDLERS_OF_EACH_PROCESS = (("logging", "shutdown"), ("multiprocessing.util", "_exit_function"))


def install(note: Callable[[], object]) -> None:
    """In a worker that has just been forked; `note` is called when there is something to finish."""
    _disown_handlers()
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
    done = threading.Event()
    main = threading.get_ident()
    watch = threading.Thread(target=_watch, args=(done, main), name="rayx-end", daemon=True)
    watch.start()
    executor.end()
    gc.collect()
    threads = threading.Thread(target=_join_threads, name="rayx-end", daemon=True)
    threads.start()
    threads.join(_JOIN_SECONDS)
    atexit._run_exitfuncs()
    owner.functions.forget_loaded()
    gc.collect()
    threads.join(max(0.0, deadline - time.monotonic()))
    flush_files()
    done.set()


def _join_threads() -> None:
    # Not `threading._shutdown`, which waits for the main thread too, unless it runs there. Pools of
    # concurrent.futures are ended by what is registered here.
    for end_pools in reversed(getattr(threading, "_threading_atexits", [])):
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
    opened = [one for one in gc.get_objects() if issubclass(type(one), io.IOBase)]
    for kinds in (io.TextIOWrapper, (io.BufferedWriter, io.BufferedRandom)):
        for file in opened:
            if issubclass(type(file), kinds):
                with contextlib.suppress(Exception):  # it is closed, or the disk is full
                    file.flush()


def _watch(done: threading.Event, thread: int) -> None:
    if done.wait(_SECONDS_MAX):
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
