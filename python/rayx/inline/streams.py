"""Streams of PYTHON_MODE: a generator runs when the next of its items is asked for.

    f.remote() ──▶ InlineStream            the arguments are copied, nothing has run
    next(stream) ──▶ advance ──▶ TaskRun   up to the next item, or the end

So an item is made when it is wanted, never ahead; what the task of a real run would do meanwhile,
others do first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rayx.inline import attempt as inline_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from rayx.running.stream_run import StreamRun
    from rayx.running.task_run import TaskRun


class InlineStream:
    """One task that makes a stream. `within` is its surroundings: the session, the environment."""

    def __init__(
        self,
        within: Callable[[], AbstractContextManager[TaskRun]],
        load: Callable[[], Callable[..., Any]],
    ) -> None:
        self._within = within
        self._load = load
        self._items: StreamRun | None = None
        self._steps: Generator[Any, None, None] | None = None
        self._is_running = False

    def advance(self) -> bool:
        """Makes one more item, or comes to the end; False after the end, and within itself."""
        if self._is_running:
            return False
        self._is_running = True
        try:
            with self._within() as run:
                if self._steps is None and not run.begins():
                    run.finish()
                    return False
                if self._advance(run):
                    return True
                run.finish()
                return False
        finally:
            self._is_running = False

    def close(self) -> None:
        """Nobody wants the rest: the generator is closed where it stands."""
        if self._steps is not None and not self._is_running:
            with self._within():
                self._steps.close()

    def _advance(self, run: TaskRun) -> bool:
        try:
            if self._items is None or self._steps is None:
                run.prepare()
                value = self._load()(*run.args, **run.kwargs)
                self._items, self._steps = run.begin_stream(value)
                next(self._steps)
            for _ in self._steps:
                return True
            run.streamed(self._items)
        except BaseException as error:
            inline_attempt.failed(run, error)
        return False
