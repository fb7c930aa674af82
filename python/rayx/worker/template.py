"""The process that workers are forked from: `python -P -m rayx.worker.template --fd N`.

It has done a worker's imports, and has one thread, so that a fork of it is a worker within
milliseconds. Of users' code it imports what `rayx.init(preload=…)` names, and then does nothing but
fork and reap.

    node ── fork this ──▶ template ── fork() ──▶ worker ──▶ node
      ◀── forked / exited ──┘                    (its own connection)
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import os
import select
import signal
import sys
import threading
import types
import typing
from collections.abc import Callable
from typing import Any

# cloudpickle so that workers need not import it: they load functions with it.
import cloudpickle  # noqa: F401

from rayx._raylet import RayletError, TemplateChannel
from rayx.process import process_mark, process_title, session_place, thread_limits
from rayx.values import child_pickling
from rayx.worker import main as worker_main

_PR_SET_PDEATHSIG = 1

# When nothing has been asked for so long, the template imports what no session needs at its start,
# and many need later. The first workers do it by themselves if need be.
_QUIET_MS = 200
_FOR_LATER = ("rayx.values.by_value", "rayx.values.pickle_path", "rayx.running.stream_run")

# What values and functions refer to by name, and a program imports only when it has it. Here it is
# imported once; the first task that is given the handle of an actor must not wait for it.
_REFERRED_TO = ("rayx.calls.actor", "rayx.waiting.object_stream")

RunWorker = Callable[[int, int, int], None]


class Template:
    """Forks workers as the node asks, and tells of their ends."""

    def __init__(self, channel: TemplateChannel, run_worker: RunWorker = worker_main.run) -> None:
        self._channel = channel
        self._run_worker = run_worker
        self._pid = os.getpid()
        self._libc = ctypes.CDLL(None)
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        """Returns when the node is gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A handler must be there for the wake-up byte to be written.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._channel.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        gc.collect()
        gc.freeze()  # the collector of a worker must not touch, and so copy, our pages
        try:
            self._channel.report_ready(self._pid)
            quiet_ms: int | None = _QUIET_MS
            while True:
                if not poll.poll(quiet_ms):
                    quiet_ms = None
                    _import_for_later()
                self._reap()
                while (request := self._channel.next_request()) is not None:
                    self._fork(*request)
        except RayletError as error:
            if error.code != "Disconnected":
                raise

    def _reap(self) -> None:
        try:
            while os.read(self._wake_read, 512):
                continue
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._channel.report_exited(pid, status)

    def _fork(
        self, number: int, socket_fd: int, stdout_fd: int, stderr_fd: int, claim_fd: int
    ) -> None:
        if threading.active_count() != 1:
            raise RuntimeError("the worker template has a second thread and cannot fork safely")
        try:
            pid = os.fork()
        except OSError as error:
            self._channel.report_forked(number, -1, error.errno or 0)
        else:
            if pid == 0:
                self._become_worker(number, socket_fd, stdout_fd, stderr_fd, claim_fd)
            self._channel.report_forked(number, pid, 0)
        for fd in (socket_fd, stdout_fd, stderr_fd, claim_fd):
            os.close(fd)

    def _become_worker(
        self, number: int, socket_fd: int, stdout_fd: int, stderr_fd: int, claim_fd: int
    ) -> None:
        """In the child. Never returns."""
        try:
            self._leave_template()
            process_title.set_title(process_title.WORKER)
            _take_streams(stdout_fd, stderr_fd)
            faulthandler.enable(file=2)
            _seed_generators()
            self._run_worker(socket_fd, claim_fd, number)
            os._exit(0)
        except BaseException:
            _report_failed_start()
            os._exit(1)

    def _leave_template(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._pid:  # it died before we asked to be told
            os._exit(1)
        self._channel.abandon()
        os.close(self._wake_read)
        os.close(self._wake_write)


def _import_for_later() -> None:
    for name in _FOR_LATER:
        with contextlib.suppress(Exception):  # a task that needs it is told what is wrong
            importlib.import_module(name)
    thread_limits.prepare()  # else each worker looks what those have loaded
    gc.collect()
    gc.freeze()


def _take_streams(stdout_fd: int, stderr_fd: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    for fd, place in ((null, 0), (stdout_fd, 1), (stderr_fd, 2)):
        if fd != place:
            os.dup2(fd, place)
    for fd in (null, stdout_fd, stderr_fd):
        if fd > 2:
            os.close(fd)


def _seed_generators() -> None:
    """Forks of one process would otherwise all draw the same numbers."""
    for name in ("random", "numpy.random"):
        module: Any = sys.modules.get(name)
        if module is not None:
            module.seed()


def _report_failed_start() -> None:
    import traceback

    try:
        os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
    except OSError:
        return


def restore_environment() -> None:
    """The driver's PYTHONPATH again; ours was only to find what the driver finds."""
    original = os.environ.pop("RAYX_DRIVER_PYTHONPATH", None)
    if original is not None:
        os.environ.pop("PYTHONPATH", None)
        if original:
            os.environ["PYTHONPATH"] = original


def main(arguments: list[str]) -> int:
    """Serves the node at the other end of the descriptor given as `--fd N`.

    `--preload MODULES --report SOCKET`: imports them first (see preload.py).
    """
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    names = {"--fd", *(["--preload", "--report"] if "--preload" in given else [])}
    if len(arguments) != 2 * len(given) or set(given) != names or not given["--fd"].isdigit():
        print(
            "usage: python -P -m rayx.worker.template [--preload MODULES --report SOCKET] --fd N",
            file=sys.stderr,
        )
        return 2
    restore_environment()
    session_place.take()
    process_title.name_template()
    process_mark.find_place()
    for name in _REFERRED_TO:
        importlib.import_module(name)
    # The overloads of what is imported so far are ours: 30 kB that no worker looks at.
    typing.clear_overloads()
    if "--preload" in given:
        from rayx.process import preload

        with thread_limits.one_thread(os.environ):
            imported = preload.template_end(given["--preload"].split(","), given["--report"])
        if not imported:
            return 1
    thread_limits.prepare()
    Template(TemplateChannel(int(given["--fd"]))).serve()
    return 0


if __name__ == "__main__":
    # A name in a pickle must find nothing of ours under `__main__`, which is the driver's program.
    sys.modules["__main__"] = types.ModuleType("__main__")
    child_pickling.install()
    sys.exit(main(sys.argv[1:]))
