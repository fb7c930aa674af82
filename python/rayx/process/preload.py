"""Modules that the worker template imports before it serves, so that no worker has to.

    driver ── listens ──◀── connects ── template: "import a", "import b", "ready" or "error …"

The driver waits for the last word, so that a module that cannot be imported fails `rayx.init`. The
socket's name is abstract and cannot be guessed, and only processes of the same user are heard.
"""

from __future__ import annotations

import importlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence

from rayx import errors

# A large library on a cold disk takes its time.
_SECONDS_MAX = 300.0
# The template connects before it imports anything.
_CONNECT_SECONDS_MAX = 30.0
_WORD_BYTES_MAX = 1 << 16


class Preload:
    """The driver's end: to be made before the template starts."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = tuple(modules)
        self._name = "rayx-preload-" + os.urandom(16).hex()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("\0" + self._name)
        self._listener.listen()

    def template_arguments(self) -> list[str]:
        """For `template_end`."""
        return ["--preload", ",".join(self.modules), "--report", self._name]

    def wait(self, timeout_seconds: float = _SECONDS_MAX) -> None:
        """Returns when all modules are imported. StartError with what went wrong."""
        deadline = time.monotonic() + timeout_seconds
        text = ""
        try:
            with self._accept(min(deadline, time.monotonic() + _CONNECT_SECONDS_MAX)) as connection:
                while len(text) < _WORD_BYTES_MAX:
                    connection.settimeout(max(0.001, deadline - time.monotonic()))
                    chunk = connection.recv(4096)
                    if not chunk:
                        break
                    text += chunk.decode(errors="replace")
        except TimeoutError:
            if not text:
                raise errors.StartError("preload: the worker template did not start") from None
            raise errors.StartError(
                f"preload: the modules were not imported within {timeout_seconds:g} seconds (it "
                f"was at {_last_import(text)})"
            ) from None
        *_, last = text.split("\0") if text else [""]
        if last == "ready":
            return
        if last.startswith("error "):
            raise errors.StartError(last.removeprefix("error "))
        raise errors.StartError(
            f"preload: the worker template ended while it imported {_last_import(text)}"
        )

    def close(self) -> None:
        """Templates that start later (after a crash) have nobody to report to."""
        self._listener.close()

    def _accept(self, deadline: float) -> socket.socket:
        while True:
            self._listener.settimeout(max(0.001, deadline - time.monotonic()))
            connection, _ = self._listener.accept()
            if _user_of(connection) == os.geteuid():
                return connection
            connection.close()


def _user_of(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("iii", credentials)[1])


def _last_import(text: str) -> str:
    words = [word for word in text.split("\0") if word.startswith("import ")]
    return words[-1].removeprefix("import ") if words else "nothing yet"


def import_all(modules: Sequence[str], tell: Callable[[str], None] = lambda word: None) -> None:
    """Imports the modules; StartError naming the one that failed, or started a thread."""
    for name in modules:
        tell(f"import {name}")
        before = {thread.name for thread in threading.enumerate()}
        try:
            importlib.import_module(name)
        except BaseException as error:
            raise errors.StartError(
                f"preload: {name} cannot be imported: {type(error).__name__}: {error}"
            ) from error
        started = sorted({thread.name for thread in threading.enumerate()} - before)
        if started:
            raise errors.StartError(
                f"preload: {name} starts a thread when it is imported ({', '.join(started)}), "
                "which workers would not have: they are forks. Leave it out of preload; tasks that "
                "import it will start the thread in their worker."
            )


def template_end(modules: Sequence[str], report: str) -> bool:
    """In the template: imports, and tells the driver. False if it cannot serve."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect("\0" + report)
    except ConnectionRefusedError:  # the session began long ago
        connection.close()
        import_all(modules)
        return True
    with connection:
        said = 0

        def tell(word: str) -> None:
            nonlocal said
            connection.sendall(("\0" if said else "").encode() + word.encode(errors="replace"))
            said += 1

        try:
            import_all(modules, tell)
        except errors.StartError as error:
            tell(f"error {error}")
            print(error, file=sys.stderr)
            return False
        tell("ready")
        return True
