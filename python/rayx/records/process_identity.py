"""A process by its number and the time at which it was started: the number alone is given anew.

>>> ProcessIdentity.of(os.getpid()).is_alive()
True
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from typing import NamedTuple

# Of /proc/PID/stat, counted behind the name.
_STATE, _STARTED = 0, 19


class ProcessIdentity(NamedTuple):
    """Of a process of this machine."""

    pid: int
    #: In clock ticks since the machine was started.
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Of a process that is there; ProcessLookupError if it is not."""
        fields = _stat(pid)
        if not fields:
            raise ProcessLookupError(f"there is no process {pid}")
        return cls(pid, int(fields[_STARTED]))

    def is_alive(self) -> bool:
        """Whether it has not ended. One that only waits to be reaped has."""
        fields = _stat(self.pid)
        return bool(fields) and int(fields[_STARTED]) == self.started and fields[_STATE] != "Z"

    def send(self, number: signal.Signals) -> None:
        """Does nothing if it has ended. Another process with its number is never meant."""
        with self._opened() as fd, contextlib.suppress(ProcessLookupError):
            if fd is not None:
                signal.pidfd_send_signal(fd, number)

    def wait(self, timeout_seconds: float) -> bool:
        """Whether it ends within that time."""
        with self._opened() as fd:
            if fd is None:
                return True
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(1000 * timeout_seconds))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int | None]:
        """A descriptor of it, None if it has ended."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            # Looked at when it is held: from now on the number stays this process's.
            yield fd if self.is_alive() else None
        finally:
            os.close(fd)


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold anything; none if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().decode(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
