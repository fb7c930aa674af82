"""The driver's second connection and the worker template's."""

from typing import final

@final
class OutputChannel:
    """The driver's second connection: what workers print, and errors of tasks."""

    @staticmethod
    def connect(socket_path: str, driver_id: bytes, python_version: str) -> OutputChannel: ...
    def next(self, timeout_ms: int = -1) -> tuple[str, int, str, str, bool, bytes] | None:
        """("lines" | "failed" | "drained", pid, function name, node, is_stderr, text).

        The node is that of the worker, in hexadecimal; "" if it is the driver's own.

        Waits for it, without end if the time is negative. None: nothing came in time.
        """
    def drain(self) -> None: ...
    def close(self) -> None: ...

@final
class TemplateChannel:
    """The worker template's connection."""

    def __init__(self, socket_fd: int) -> None: ...
    def fileno(self) -> int: ...
    def report_ready(self, pid: int) -> None: ...
    def next_request(self) -> tuple[int, int, int, int, int] | None:
        """(number, socket fd, stdout fd, stderr fd, claim fd), or None if none has arrived."""
    def report_forked(self, number: int, pid: int, error_number: int) -> None: ...
    def report_exited(self, pid: int, wait_status: int) -> None: ...
    def abandon(self) -> None: ...
