"""The worker's side of a stream: takes what a generator yields, and stores it.

    steps:  credit for item 0 ── next(generator) ── put_item(0) ── credit for item 1 ── …

Before each item there must be credit, which the consumer grants (object_stream.py). Who drives the
steps waits for it: by blocking, on an event loop, or as in PYTHON_MODE by doing something else.
"""

from __future__ import annotations

import inspect
import threading
import types
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from rayx import errors
from rayx._raylet import STREAM_CREDIT_BIT, RayletError
from rayx.running import interrupts
from rayx.text import value_text
from rayx.values import serialization
from rayx.waiting.object_stream import STEP

if TYPE_CHECKING:
    from rayx._raylet import ObjectID, RunnableTask
    from rayx.node_client import NodeClient

# How often a thread that waits for credit looks for an interrupt. The main thread need not: the
# signal's handler ends its wait.
_THREAD_SLICE_MS = 200


class StreamRun:
    """The items of one task. In one thread, or one coroutine."""

    def __init__(self, task: RunnableTask, client: NodeClient) -> None:
        self._task = task
        self._client = client
        #: How many there are, so far.
        self.count = 0
        self._credit = 0

    def run(self, value: Any) -> None:
        """Stores all items of what the function returned; waits where there is no credit."""
        steps = self.steps(value)
        try:
            for credit in steps:
                if credit is not None:
                    self._wait_for(credit)
        finally:
            steps.close()

    def steps(self, value: Any) -> Generator[ObjectID[Any] | None, None, None]:
        """Yields before each item: the object that must be there first, or None."""
        if not isinstance(value, Iterator):
            raise self._no_generator(value)
        try:
            while True:
                yield self._next_credit()
                try:
                    item = next(value)
                except StopIteration:
                    return
                self._store(item)
                del item
        finally:
            _close(value)

    async def run_async(self, value: Any) -> None:
        """On an event loop, for generators of both kinds."""
        if not inspect.isasyncgen(value):
            await self._run_on_loop(value)
            return
        try:
            while True:
                await self._await_credit(self._next_credit())
                try:
                    item = await anext(value)
                except StopAsyncIteration:
                    return
                self._store(item)
                del item
        finally:
            await value.aclose()

    async def _run_on_loop(self, value: Any) -> None:
        steps = self.steps(value)
        try:
            for credit in steps:
                await self._await_credit(credit)
        finally:
            steps.close()

    async def _await_credit(self, credit: ObjectID[Any] | None) -> None:
        if credit is None:
            return
        if not self._client.wait([credit], 1, 0)[0]:
            from rayx.waiting import awaiting  # which imports asyncio

            await awaiting.one_available([credit])

    def _next_credit(self) -> ObjectID[Any] | None:
        self._check_interrupt()
        # Credit r is there when STEP * r items have been taken.
        ahead = self.count + 1 - self._task.options["stream_window"]
        credit = -(-ahead // STEP)
        if credit <= self._credit:
            return None
        self._credit = credit
        return self._client.object_id(
            self._task.task_id + (STREAM_CREDIT_BIT | credit).to_bytes(4, "little")
        )

    def _check_interrupt(self) -> None:
        """A generator may catch what interrupts it; it gets no further."""
        sequence, reason = self._client.interrupt()
        if reason and sequence == self._task.sequence:
            raise interrupts.error_for(self._task, reason)

    def _wait_for(self, credit: ObjectID[Any]) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        slice_ms = -1 if is_main else _THREAD_SLICE_MS
        while not self._client.wait([credit], 1, slice_ms)[0]:
            self._check_interrupt()

    def _store(self, item: Any) -> None:
        stored = serialization.serialize(item, f"item {self.count} of {self._task.name}")
        try:
            self._client.put_item(self._task, self.count, *stored)
        except RayletError as error:
            raise errors.from_status(error.code, error.message) from None
        self.count += 1

    def _no_generator(self, value: Any) -> TypeError:
        _close(value)
        kind = value_text.type_name(value)
        return TypeError(
            f'{self._task.name} has num_return_vals="stream", so it must be a generator, but it '
            f"returned a value of type {kind}; yield each item, or return one value with "
            "num_return_vals=1"
        )


def _close(value: Any) -> None:
    if type(value) in (types.GeneratorType, types.CoroutineType):
        value.close()
