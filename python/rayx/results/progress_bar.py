"""How far many tasks are, on the terminal or in a notebook.

`rayx.get(rayx.progress(ids, description="training"))` shows

    training ━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━  51/100, 2 failed  0:00:12
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, Never, Protocol, TypeVar

from rayx import hints, session
from rayx._raylet import RayletError
from rayx.results import cancellation, objects
from rayx.results.completion import as_completed
from rayx.text.value_text import shown
from rayx.values import serialization

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.text.durations import Duration

T = TypeVar("T")

# Often enough to look alive.
_REDRAW_SECONDS = 0.1
_BAR_CELLS = 30

hints.cancellers.add(__name__)


def progress(
    object_ids: Iterable[ObjectID[T]],
    description: str = "",
    timeout: Duration | None = None,
    **unknown: Never,
) -> list[ObjectID[T]]:
    """Shows how many of the objects are there until all are, and returns their ids.

    In a notebook as a bar below the cell, else on stderr, if that is a terminal: by `rich` if it is
    installed, or as a plain line. Tasks that failed are told apart from those that are done. The
    list that is returned is not shown when it is the value of a notebook's cell. `timeout` is in
    seconds, or a datetime.timedelta; GetTimeoutError if it passes. Ctrl-C cancels the tasks
    that have not ended.

    >>> @rayx.remote
    ... def square(x):
    ...     return x * x
    >>> sum(rayx.get(rayx.progress([square.remote(x) for x in range(10)], "squares")))
    285
    """
    if unknown:
        from rayx.text import words

        words.refuse("rayx.progress", unknown, words.PROGRESS)
    if not isinstance(description, str):
        raise TypeError(f"description must be a string, not {shown(description)}")
    owner = session.current()
    ids: list[ObjectID[T]] = objects.id_list("rayx.progress", object_ids)
    remaining = dict.fromkeys(ids)
    shell = _ipython()
    try:
        with _display(description, len(remaining), sys.stderr, shell) as display:
            for object_id in as_completed(ids, timeout):
                del remaining[object_id]
                display.advance(object_id)
    except KeyboardInterrupt:
        cancellation.abandon(owner, remaining)
        hints.of_interrupt(owner, has_cancelled=True)
        raise
    return ids if shell is None else _Unshown(ids)


class _Unshown(list[T]):
    """A list of ids that IPython does not show as the value of a cell."""

    def _ipython_display_(self) -> None:
        pass


def _ipython() -> Any:
    """The shell of IPython or of a notebook that runs this program; None without one."""
    module = sys.modules.get("IPython")
    find = getattr(module, "get_ipython", None)
    return None if find is None else find()


class _Display(Protocol):
    def __enter__(self) -> _Display: ...
    def __exit__(self, *unused: object) -> None: ...
    def advance(self, object_id: ObjectID[Any]) -> None: ...


def _display(description: str, total: int, stream: IO[str] | None, shell: Any) -> _Display:
    if getattr(shell, "kernel", None) is not None:
        return _Notebook(description, total)
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

    def advance(self, object_id: ObjectID[Any]) -> None:
        pass


class _Count:
    """How many are done, how many have failed, and since when."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self._began = time.monotonic()

    def add(self, object_id: ObjectID[Any]) -> None:
        """One more is there."""
        owner = session.current()
        try:
            has_failed = serialization.is_error(owner.client.get([object_id], -1)[0])
        except RayletError:  # as when it is got: no room for it, or a lost connection
            has_failed = True
        if has_failed:
            self.failed += 1
        else:
            self.done += 1

    def text(self) -> str:
        """As `51/100, 2 failed`."""
        return f"{self.done}/{self.total}" + (f", {self.failed} failed" if self.failed else "")

    def time(self) -> str:
        """As `0:12`."""
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60}:{seconds % 60:02}"


class _Line:
    """One line, written over again and again."""

    def __init__(self, description: str, total: int, stream: IO[str]) -> None:
        self._description = description
        self._count = _Count(total)
        self._stream = stream
        self._drawn = float("-inf")

    def __enter__(self) -> _Line:
        self._draw()
        return self

    def __exit__(self, *unused: object) -> None:
        self._draw()
        self._write("\n")

    def advance(self, object_id: ObjectID[Any]) -> None:
        self._count.add(object_id)
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        count = self._count
        filled = _BAR_CELLS * count.done // max(1, count.total)
        bar = "#" * filled + "-" * (_BAR_CELLS - filled)
        label = f"{self._description} " if self._description else ""
        self._write(f"\r{label}[{bar}] {count.text()}  {count.time()}")

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
            bars.TextColumn("{task.fields[count]}"),
            bars.TimeElapsedColumn(),
            console=console.Console(file=stream),
        )
        self._count = _Count(total)
        self._task = self._bars.add_task(description, total=total, count=self._count.text())

    def __enter__(self) -> _Rich:
        self._bars.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._bars.stop()

    def advance(self, object_id: ObjectID[Any]) -> None:
        self._count.add(object_id)
        self._bars.update(self._task, completed=self._count.done, count=self._count.text())


class _Notebook:
    """A bar below the cell, by what every notebook can show: HTML."""

    def __init__(self, description: str, total: int) -> None:
        self._description = description
        self._count = _Count(total)
        self._drawn = float("-inf")
        self._shown: Any = None

    def __enter__(self) -> _Notebook:
        display = importlib.import_module("IPython.display").display
        self._shown = display(self, display_id=True)
        return self

    def __exit__(self, *unused: object) -> None:
        self._draw()

    def advance(self, object_id: ObjectID[Any]) -> None:
        self._count.add(object_id)
        if time.monotonic() - self._drawn >= _REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        if self._shown is not None:
            self._shown.update(self)

    def __repr__(self) -> str:
        """Where there is no HTML, as in what is written of a notebook's output."""
        return f"{self._description} {self._count.text()}  {self._count.time()}".strip()

    def _repr_html_(self) -> str:
        import html  # with its table of all entities: only for notebooks

        count = self._count
        return (
            f"<div>{html.escape(self._description)} "
            f'<progress value="{count.done}" max="{max(1, count.total)}"></progress> '
            f"{count.text()} &nbsp; {count.time()}</div>"
        )
