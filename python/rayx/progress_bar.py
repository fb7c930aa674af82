"""How far many tasks are, on the terminal.

`rayx.get(rayx.progress(ids, description="training"))` shows

    training ━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━  51/100  0:00:12
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, Never, Protocol, TypeVar

from rayx import words
from rayx.completion import as_completed
from rayx.value_text import shown

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.durations import Duration

T = TypeVar("T")

# Often enough to look alive.
_REDRAW_SECONDS = 0.1
_BAR_CELLS = 30


def progress(
    object_ids: Iterable[ObjectID[T]],
    description: str = "",
    timeout: Duration | None = None,
    **unknown: Never,
) -> list[ObjectID[T]]:
    """Shows how many of the objects are there until all are, and returns their ids.

    On stderr, if that is a terminal: by `rich` if it is installed, else as a plain line. `timeout`
    is in seconds, or a datetime.timedelta; GetTimeoutError if it passes.

    >>> @rayx.remote
    ... def square(x):
    ...     return x * x
    >>> sum(rayx.get(rayx.progress([square.remote(x) for x in range(10)], "squares")))
    285
    """
    words.refuse("rayx.progress", unknown, words.PROGRESS)
    if not isinstance(description, str):
        raise TypeError(f"description must be a string, not {shown(description)}")
    ids = list(object_ids)
    arriving = as_completed(ids, timeout)
    with _display(description, len(set(ids)), sys.stderr) as display:
        for _ in arriving:
            display.advance()
    return ids


class _Display(Protocol):
    def __enter__(self) -> _Display: ...
    def __exit__(self, *unused: object) -> None: ...
    def advance(self) -> None: ...


def _display(description: str, total: int, stream: IO[str] | None) -> _Display:
    if stream is None or not stream.isatty():
        return _Nothing()
    try:
        return _Rich(description, total, stream)
    except ImportError:
        return _Line(description, total, stream)


class _Nothing:
    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *unused: object) -> None:
        pass

    def advance(self) -> None:
        pass


class _Line:
    """One line, written over again and again."""

    def __init__(self, description: str, total: int, stream: IO[str]) -> None:
        self._description = description
        self._total = total
        self._stream = stream
        self._done = 0
        self._began = time.monotonic()
        self._drawn = float("-inf")

    def __enter__(self) -> _Line:
        self._draw()
        return self

    def __exit__(self, *unused: object) -> None:
        self._draw()
        self._write("\n")

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        seconds = int(self._drawn - self._began)
        filled = _BAR_CELLS * self._done // max(1, self._total)
        bar = "#" * filled + "-" * (_BAR_CELLS - filled)
        label = f"{self._description} " if self._description else ""
        self._write(
            f"\r{label}[{bar}] {self._done}/{self._total}  {seconds // 60}:{seconds % 60:02}"
        )

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return  # the terminal is gone; the work goes on


class _Rich:
    """A bar by rich."""

    def __init__(self, description: str, total: int, stream: IO[str]) -> None:
        from rich import console
        from rich import progress as bars

        self._bars: Any = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            console=console.Console(file=stream),
        )
        self._task = self._bars.add_task(description, total=total)

    def __enter__(self) -> _Rich:
        self._bars.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._bars.stop()

    def advance(self) -> None:
        self._bars.advance(self._task)
