"""Actors of PYTHON_MODE: instances in this process, whose calls run where they are made.

A call that an actor makes of itself cannot run before the present one has ended; it is kept until
then, as in a real run.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from rayx.running.actor_runner import Concurrency, RunningActor

if TYPE_CHECKING:
    from rayx._raylet import ObjectID, RunnableTask
    from rayx.inline.objects import InlineObject
    from rayx.inline.resources import Holding
    from rayx.inline.task import InlineTask

Run = Callable[["InlineTask", "InlineActor"], None]


class InlineActor:
    """One actor, from its creation on."""

    def __init__(self, creation: InlineTask, holding: Holding) -> None:
        self.actor_id = creation.task_id
        self.creation_object = creation.results[0]
        self.name = creation.template.actor_name
        self.info = creation.template.actor_info
        self.holding = holding
        #: What its calls give in place of their results, once it has failed or ended.
        self.failure: InlineObject | None = None
        #: For one with a name, which lives although nobody has its handle.
        self.kept_id: ObjectID[Any] | None = None
        self.running: RunningActor | None = None
        self.max_concurrency = creation.options["max_concurrency"]
        self._lock = threading.RLock()
        self._is_busy = False
        self._waiting: deque[InlineTask] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def constructor(self, task: InlineTask, cls: Any) -> Callable[..., Any]:
        """What makes the instance."""
        self.running = RunningActor(cast("RunnableTask", task), cls)
        if self.running.concurrency is Concurrency.COROUTINES:
            self._loop = asyncio.new_event_loop()
        return self.running.make

    def run_in_order(self, task: InlineTask, run: Run) -> None:
        """Runs the call, now or after the one that is running in this thread."""
        is_side_by_side = self.running is not None and self.max_concurrency > 1
        if is_side_by_side:
            run(task, self)
            return
        with self._lock:  # other threads wait here
            self._waiting.append(task)
            if self._is_busy:
                return
            self._is_busy = True
            try:
                while self._waiting:
                    run(self._waiting.popleft(), self)
            finally:
                self._is_busy = False

    def completed(self, value: Any) -> Any:
        """What a call has returned, or if that is a coroutine, what becomes of it."""
        if self._loop is not None and inspect.isasyncgen(value):
            return self._items(value)
        if self._loop is None or not inspect.isawaitable(value):
            return value

        return self._completed(value)

    def _items(self, value: AsyncGenerator[Any, Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    item = self._completed(anext(value))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._completed(value.aclose())

    def _completed(self, value: Awaitable[Any]) -> Any:
        loop = self._loop
        # An exception that the loop has raised refers to itself, and would keep the actor with it.
        if loop is None or loop.is_running():  # it has ended meanwhile; a call within a call
            result, error = _without_loop(lambda: asyncio.run(_outcome(value)))
        else:
            result, error = _without_loop(lambda: loop.run_until_complete(_outcome(value)))
        if error is None:
            return result
        try:
            raise error
        finally:
            del error

    def drop(self, waiting: Callable[[InlineTask], None]) -> None:
        """The instance is gone; `waiting` is told of the calls that will not run."""
        self.running = None
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_running():
            loop.close()
        while self._waiting:
            waiting(self._waiting.popleft())


async def _outcome(value: Awaitable[Any]) -> tuple[Any, Exception | None]:
    try:
        return await value, None
    except Exception as error:
        return None, error


def _without_loop(run: Callable[[], Any]) -> Any:
    """The caller may be a coroutine, whose loop stands still for so long."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return run()
    finally:
        asyncio._set_running_loop(outer)
