"""Members of a run on other machines, which are started through ssh and end with the run.

    with OtherMachines(machines, command_line) as others:
        others.wait_until_ready(deadline, key)
        ...

What runs there is `rayx run --member`. It has the key from its standard input, by which it also
knows that the run is over: when that closes, it ends.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO

from rayx import errors
from rayx.records import cluster_key
from rayx.runs.host_file import Machine

#: Which a member says when it serves, before its address.
READY = "ready "

_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-T")
# A member ends within that time, or the connection to it is cut.
_END_SECONDS_MAX = 5.0
_LINES_KEPT = 10
_LINE_CHARACTERS_MAX = 10_000


class OtherMachines:
    """All of them. `command`: what is to be run on a machine, for a shell there."""

    def __init__(self, machines: Sequence[Machine], command: Callable[[Machine], str]) -> None:
        self._command = command
        self._machines = machines
        self._members: list[_Member] = []

    def __enter__(self) -> OtherMachines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        deadline = time.monotonic() + _END_SECONDS_MAX
        for member in self._members:
            member.close()
        for member in self._members:
            member.wait(deadline)

    def wait_until_ready(self, key: bytes, deadline: float) -> list[str]:
        """Starts them at once; their addresses. StartError if one of them does not serve by then.

        `deadline`: by `time.monotonic`.
        """
        for machine in self._machines:
            self._members.append(_Member(machine.destination, self._command(machine), key))
        return [member.wait_until_ready(deadline) for member in self._members]


class _Member:
    """One, and the ssh through which it is heard."""

    def __init__(self, name: str, command: str, key: bytes) -> None:
        self._name = name
        try:
            self._ssh = subprocess.Popen(
                [*_SSH, "--", name, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # Ctrl-C is for the program; the members end after it.
                start_new_session=True,
            )
        except OSError as error:
            raise errors.StartError(f"ssh cannot be run: {error}") from None
        self._ready = threading.Event()
        self._address = ""
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, name=f"rayx-ssh-{name}", daemon=True)
        self._reader.start()
        with contextlib.suppress(OSError):  # it has ended, and has said why
            self._stdin().write(cluster_key.text_of(key) + "\n")
            self._stdin().flush()

    def wait_until_ready(self, deadline: float) -> str:
        self._ready.wait(max(0.0, deadline - time.monotonic()))
        if self._address:
            return self._address
        said = "\n".join(f"  {line}" for line in self._said[-_LINES_KEPT:])
        if self._ready.is_set():
            why = f"ended with {self._ssh.wait()} before it served"
        else:
            why = "does not serve yet; --wait gives it more time"
        raise errors.StartError(f"the node at {self._name} {why}" + (f":\n{said}" if said else ""))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin().close()

    def wait(self, deadline: float) -> None:
        try:
            self._ssh.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            self._ssh.wait()
        self._reader.join(1.0)  # what has inherited its output may have it still

    def _stdin(self) -> IO[str]:
        assert self._ssh.stdin is not None
        return self._ssh.stdin

    def _read(self) -> None:
        """Until the end: before it serves for `wait_until_ready`, then for people."""
        assert self._ssh.stdout is not None
        while line := self._ssh.stdout.readline(_LINE_CHARACTERS_MAX):
            line = line.rstrip("\n")
            if self._ready.is_set():
                print(f"[{self._name}] {line}", file=sys.stderr, flush=True)
            elif line.startswith(READY):
                self._address = line.removeprefix(READY)
                self._ready.set()
            else:
                self._said.append(line)
        self._ready.set()


def shell_line(words: Sequence[str]) -> str:
    """As a shell reads them, which leaves its place to the program."""
    return "exec " + shlex.join(words)
