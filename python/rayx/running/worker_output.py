"""stdout and stderr of a worker, which remember whether anything was written.

The node reads the pipes behind them, and takes what it reads for the output of the task that it
believes to run here. So before a task's first word we wait until the node has heard of the ends of
all tasks before it; and at such an end it is told whether there is something to be read first.

A worker runs many tasks, and its streams are not one task's to take away: closing or detaching them
writes what is buffered, and no more.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any


class WorkerOutput:
    """The two streams of this process."""

    def __init__(self) -> None:
        self.written = False
        #: Called before the first word of each task; to return when the node has heard us out.
        self.meet_node: Callable[[], object] | None = None
        self._streams: list[_NotingStream] = []

    def install(self, stdout_fd: int = 1, stderr_fd: int = 2) -> None:
        """Puts itself in the place of `sys.stdout` and `sys.stderr`."""
        out, err = _NotingStream(self, stdout_fd), _NotingStream(self, stderr_fd)
        sys.stdout = sys.__stdout__ = out  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = err  # type: ignore[misc]
        self._streams = [out, err]

    def begin(self) -> None:
        """Something is about to be written, for the first time since `take`."""
        self.written = True
        if self.meet_node is not None:
            self.meet_node()

    def take(self) -> bool:
        """Whether something was written since the last call; flushes it."""
        if not self.written:
            return False
        for stream in self._streams:
            try:
                stream.flush()
            except (OSError, ValueError):  # the task closed it
                continue
        self.written = False  # only now: to flush is to write
        return True


class _NotingBuffer(io.BufferedWriter):
    def __init__(self, owner: WorkerOutput, fd: int) -> None:
        super().__init__(io.FileIO(fd, "wb", closefd=False))
        self._owner = owner

    def write(self, data: Any, /) -> int:
        if not self._owner.written:
            self._owner.begin()
        return super().write(data)

    def close(self) -> None:
        # Also by the end of a wrapper: `sys.stdout = io.TextIOWrapper(sys.stdout.buffer)`.
        self.flush()

    def detach(self) -> Any:
        self.flush()
        return self.raw


class _NotingStream(io.TextIOWrapper):
    def __init__(self, owner: WorkerOutput, fd: int) -> None:
        buffer = _NotingBuffer(owner, fd)
        super().__init__(buffer, "utf-8", errors="backslashreplace", line_buffering=True)
        self._owner = owner

    def write(self, text: str, /) -> int:
        # Here too, since what is no whole line yet does not reach the buffer.
        if not self._owner.written:
            self._owner.begin()
        return super().write(text)

    def close(self) -> None:
        self.flush()

    def detach(self) -> Any:
        self.flush()
        return self.buffer
