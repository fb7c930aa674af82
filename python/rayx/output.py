"""Prints in the driver what its workers print, and the errors of its tasks.

    (train pid=4711) epoch 3, loss 0.21

Each line gets its prefix, whatever it contains: a task cannot speak in another's name, move the
cursor, or hide a line. Colours pass.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING

from rayx._raylet import DRIVER_END_MS, RayletError
from rayx.failure_log import FailureLog

if TYPE_CHECKING:
    from rayx._raylet import OutputChannel

# Time that shutdown gives to workers that have something to finish, which the node waits for
# too, and to what they print.
_DRAIN_SECONDS = DRIVER_END_MS / 1000 + 0.5
# The thread then ends at once, unless it hangs in a write to a terminal.
_JOIN_SECONDS = 0.5

# What a terminal takes for the end of a line, or of a half of it.
_LINE_ENDS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_COLOURS = re.compile("\x1b\\[[0-9;:]*m")
# Control characters but for the tab, and what turns the direction of writing.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class OutputPrinter:
    """The driver's thread that prints. It never keeps the process alive or waiting."""

    def __init__(
        self,
        channel: OutputChannel,
        prints_errors: bool,
        has_reference: Callable[[bytes], bool] = lambda object_id: False,
    ) -> None:
        #: The failures of tasks that nobody has got.
        self.failures = FailureLog(_write_failure, has_reference)
        self._channel = channel
        self._prints_errors = prints_errors
        self._drained = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rayx-output", daemon=True)

    def start(self) -> None:
        """Begins to print."""
        self._thread.start()

    def finish(self) -> None:
        """Has this driver's workers finish what they have to, and prints what they have printed.

        Waits for it no longer than 1.5 seconds.
        """
        try:
            self._channel.drain()
            self._drained.wait(_DRAIN_SECONDS)
        except RayletError:
            pass  # the node is gone, and all it knew with it
        self.failures.close()
        self._channel.close()
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while True:
            seconds = self.failures.look_if_due()
            try:
                event = self._channel.next(-1 if seconds is None else ceil(seconds * 1000))
            except RayletError:
                self._drained.set()
                return
            if event is None:
                continue
            kind, pid, name, node, is_stderr, text = event
            if kind == "drained":
                self._drained.set()
            elif kind == "failed":
                if self._prints_errors:
                    self.failures.failed(text.decode(errors="replace"))
            else:
                _write(prefixed(text, name, pid, node), is_stderr)


def _write_failure(text: str) -> None:
    _write(clean_text(text) + "\n", True)


def prefixed(text: bytes, name: str, pid: int, node: str = "") -> str:
    """The lines of `text`, each with who printed it.

    >>> prefixed(b"a\\rb", "f", 7)
    '(f pid=7) a\\n(f pid=7) b\\n'
    >>> prefixed(b"x", "f", 7, "0123456789abcdef0123456789abcdef")  # at another node
    '(f pid=7, node=01234567) x\\n'
    >>> prefixed(b"f waits", "", 0)
    'rayx: f waits\\n'
    """
    where = f"pid={pid}, node={node[:8]}" if node else f"pid={pid}"
    # 0: the node says it itself.
    who = f"({where}) " if pid else "rayx: "
    if name:
        who = f"({_clean(name)} {where}) "
    lines = _LINE_ENDS.split(text.decode(errors="replace"))
    return "".join(f"{who}{_clean(line)}\n" for line in lines)


def clean_text(text: str) -> str:
    """A text of several lines without what a terminal would take for more than text."""
    return "\n".join(_clean(line) for line in text.split("\n"))


def _clean(line: str) -> str:
    if _CONTROLS.search(line) is None:
        return line
    parts = []
    end = 0
    for colour in _COLOURS.finditer(line):
        parts += [_escape(line[end : colour.start()]), colour.group()]
        end = colour.end()
    parts.append(_escape(line[end:]))
    if len(parts) > 1:
        parts.append("\x1b[0m")  # a colour ends with its line
    return "".join(parts)


def _escape(text: str) -> str:
    return _CONTROLS.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def _write(text: str, is_stderr: bool) -> None:
    # Looked up anew, since notebooks and test runners replace them.
    stream = sys.stderr if is_stderr else sys.stdout
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        _write(text.encode("ascii", "backslashreplace").decode("ascii"), is_stderr)
    except (OSError, ValueError):
        return  # closed: there is nobody to tell
