"""stdout and stderr of a worker, which remember whether anything was written.

The node reads the pipes behind them. After a task that printed, it must do so before it forgets
which task that was; after one that did not, it need not look.
"""

from __future__ import annotations

import io
import sys


class WorkerOutput:
    """The two streams of this process."""

    def __init__(self) -> None:
        self.written = False
        self._streams: list[_NotingStream] = []

    def install(self, stdout_fd: int = 1, stderr_fd: int = 2) -> None:
        """Puts itself in the place of `sys.stdout` and `sys.stderr`."""
        out, err = _NotingStream(self, stdout_fd), _NotingStream(self, stderr_fd)
        sys.stdout = sys.__stdout__ = out  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = err  # type: ignore[misc]
        self._streams = [out, err]

    def take(self) -> bool:
        """Whether something was written since the last call; flushes it."""
        if not self.written:
            return False
        self.written = False
        for stream in self._streams:
            try:
                stream.flush()
            except (OSError, ValueError):  # the task closed it
                continue
        return True


class _NotingStream(io.TextIOWrapper):
    def __init__(self, owner: WorkerOutput, fd: int) -> None:
        raw = io.FileIO(fd, "wb", closefd=False)
        super().__init__(
            io.BufferedWriter(raw), "utf-8", errors="backslashreplace", line_buffering=True
        )
        self._owner = owner

    def write(self, text: str, /) -> int:
        self._owner.written = True
        return super().write(text)
