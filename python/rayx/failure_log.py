"""The failures of a driver's tasks that nobody gets: they are printed, and equal ones are counted.

    node ─▶ failed("task f(1) failed …") ─▶ held back ──(its id is gone, or time is up)──▶ printed
    get  ─▶ got(error)                   ─▶ dropped: who gets it, sees it

A failure is held back for 2 seconds if no ObjectID of its result is left here, so that who was
given the result as an argument may raise it first; and for 10 if there is one. The end of the
session prints what is left. There is no thread: the one that hears the node looks now and then.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from rayx import errors

_DROPPED_SECONDS = 2.0
_KEPT_SECONDS = 10.0
# How often it is looked whether an ObjectID is left, while failures are held back.
_LOOK_SECONDS = 0.25

# Kept of what was got before the news of the failure came, and of kinds of failures.
_GOT_MAX = 10_000
_KINDS_MAX = 1000
# Failures that are held back one by one; more are printed at once.
_HELD_MAX = 10_000

# In the first line that TaskError gives its text, and in the label of a task in texts of the node:
# "task f(1) failed (pid=7, node=…, task=…)", "f (task …) was running when …".
_TASK = re.compile(r"\btask[= ]([0-9a-f]{32})\)")
_NAME = re.compile(r"task ([^\s(]+)\(|([^\s(]+) \(task ")
# Why a call has failed that has come to an actor after its driver has said that it ends: whoever
# ends with calls under way wants no results, and needs no news of them.
_OWN_END = "is dead: its driver ends"
# What differs between failures of the same kind in texts of the node: ids and numbers of processes.
_VARYING = re.compile(r"\b[0-9a-f]{8,}\b|(?<=pid[ =])\d+")
_SHOWN_CHARS_MAX = 200


class _Held(NamedTuple):
    """A failure that may still be got."""

    kind: _Kind
    since: float


class _Kind:
    """Failures of one function for one reason."""

    __slots__ = ("count", "name", "reason", "shown", "text")

    def __init__(self, name: str, reason: str, text: str) -> None:
        self.name = name
        self.reason = reason
        #: The text of the first failure; let go when somebody has seen it.
        self.text = text
        self.shown = False
        #: To be printed.
        self.count = 0


class FailureLog:
    """Of one driver. Any thread; `write` prints a text."""

    def __init__(
        self,
        write: Callable[[str], None],
        has_reference: Callable[[bytes], bool] = lambda object_id: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._has_reference = has_reference
        self._clock = clock
        self._lock = threading.RLock()  # a finalizer may get something in the midst of it
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._kinds: OrderedDict[tuple[str, str], _Kind] = OrderedDict()
        self._got: OrderedDict[str, None] = OrderedDict()
        # When it is to be looked again, while something is held back.
        self._next_look = 0.0

    def failed(self, text: str) -> None:
        """The node tells of a failure."""
        if text.split("\n", 1)[0].endswith(_OWN_END):
            return
        with self._lock:
            kind = self._kind_of(text)
            key = _key_of(text)
            if key in self._got:
                _see(kind)
                return
            if len(self._held) >= _HELD_MAX:
                kind.count += 1
            else:
                now = self._clock()
                if not self._held:
                    self._next_look = now + _LOOK_SECONDS
                self._held[key] = _Held(kind, now)

    def got(self, error: errors.RayxError) -> None:
        """The driver has raised, or been given, what stands for a failed task."""
        text = _text_of(error)
        with self._lock:
            # The failures of tasks whose results this task had got are in the text, too.
            for key in {_key_of(text), *_TASK.findall(text)}:
                held = self._held.pop(key, None)
                if held is not None:
                    _see(held.kind)
                self._got[key] = None
            while len(self._got) > _GOT_MAX:
                self._got.popitem(last=False)

    def look_if_due(self) -> float | None:
        """Looks if it is time to. Returns after how many seconds it is next; None: never."""
        with self._lock:
            if not self._held:
                return None
            remaining = self._next_look - self._clock()
        if remaining > 0:
            return remaining
        self.look()
        with self._lock:
            self._next_look = self._clock() + _LOOK_SECONDS
            return _LOOK_SECONDS if self._held else None

    def look(self, everything: bool = False) -> None:
        """Prints what has been held back for long enough, or all of it."""
        with self._lock:
            now = self._clock()
            # A finalizer may get something in between: only `list` itself is all at once.
            for key in list(self._held):
                held = self._held.get(key)
                if held is None or not (everything or self._is_due(key, now - held.since)):
                    continue
                if self._held.pop(key, None) is not None:
                    held.kind.count += 1
            texts = [_take_text(kind) for kind in list(self._kinds.values()) if kind.count]
        for text in texts:
            self._write(text)

    def close(self) -> None:
        """Prints all that is left."""
        self.look(everything=True)

    def _is_due(self, key: str, age: float) -> bool:
        if age < _DROPPED_SECONDS:
            return False
        return age >= _KEPT_SECONDS or not self._is_referred_to(key)

    def _is_referred_to(self, key: str) -> bool:
        # A driver that keeps other results than the first sees the text earlier.
        return len(key) == 32 and self._has_reference(bytes.fromhex(key) + bytes(4))

    def _kind_of(self, text: str) -> _Kind:
        name, reason = _describe(text)
        kind = self._kinds.get((name, reason))
        if kind is None:
            if len(self._kinds) >= _KINDS_MAX:
                self._forget_a_kind()
            kind = self._kinds[name, reason] = _Kind(name, reason, text)
        return kind

    def _forget_a_kind(self) -> None:
        waiting = {id(held.kind) for held in list(self._held.values())}
        for key in list(self._kinds):
            kind = self._kinds.get(key)
            if kind is not None and not kind.count and id(kind) not in waiting:
                self._kinds.pop(key, None)
                return


def _see(kind: _Kind) -> None:
    kind.shown = True
    kind.text = ""


def _take_text(kind: _Kind) -> str:
    count, kind.count = kind.count, 0
    if kind.shown:
        return _repeated(kind, count)
    text = kind.text
    _see(kind)
    return text if count == 1 else f"{text}\n{_repeated(kind, count - 1)}"


def _repeated(kind: _Kind, count: int) -> str:
    times = "once more" if count == 1 else f"{count} more times"
    return f"task {kind.name} failed {times} in the same way: {kind.reason[:_SHOWN_CHARS_MAX]}"


def _text_of(error: errors.RayxError) -> str:
    # What was printed, whatever `__str__` the class of the cause has.
    if isinstance(error, errors.TaskError):
        return errors.TaskError.__str__(error)
    return Exception.__str__(error)


def _key_of(text: str) -> str:
    """The task, in hexadecimal; or the text itself, if it names none."""
    found = _TASK.findall(text.split("\n", 1)[0])
    return found[-1] if found else text


def _describe(text: str) -> tuple[str, str]:
    """The name of the function, and the line that says why."""
    lines = [line for line in text.split("\n") if line and not line.isspace()] or [""]
    found = _NAME.match(lines[0])
    name = (found.group(1) or found.group(2)) if found else ""
    # A traceback ends with the exception. What the node says begins with all that matters.
    has_traceback = any(line.startswith("Traceback (most recent call last)") for line in lines)
    reason = lines[-1] if has_traceback else lines[0]
    return name, _VARYING.sub("…", reason)
