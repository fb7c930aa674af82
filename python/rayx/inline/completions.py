"""The queue of available objects in PYTHON_MODE (see CompletionQueue in node_client.pyi)."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx._raylet import RayletError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rayx._raylet import ObjectID


class InlineCompletions:
    """Thread-safe. Most objects are there before anybody asks."""

    def __init__(self, is_available: Callable[[ObjectID[Any]], bool]) -> None:
        self._is_available = is_available
        self._changed = threading.Condition()
        self._pending: dict[bytes, ObjectID[Any]] = {}
        self._ready: deque[ObjectID[Any]] = deque()
        self._event = -1
        self._closed = False

    def add(self, object_ids: Sequence[ObjectID[Any]]) -> None:
        """Asks for these."""
        with self._changed:
            if self._closed:
                raise RayletError("InvalidArgument", "the queue is closed")
            self._pending |= {one.binary(): one for one in object_ids}
        self.look()

    def look(self) -> None:
        """Objects may have become available."""
        with self._changed:
            # A finalizer that runs in between may add some, or look as well. `list` of the items
            # makes tuples, so that one might run in the midst of it.
            for binary in list(self._pending):
                object_id = self._pending.get(binary)
                if object_id is None or not self._is_available(object_id):
                    continue
                if self._pending.pop(binary, None) is not None:
                    self._ready.append(object_id)
            self._signal()

    def take(self, timeout_ms: int) -> list[ObjectID[Any]]:
        """Those that have become available; waits for one."""
        seconds = None if timeout_ms < 0 else timeout_ms / 1000
        with self._changed:
            if not self._changed.wait_for(lambda: self._ready or self._closed, seconds):
                return []
            if self._closed:
                raise RayletError("Disconnected", "the queue is closed")
            taken = []
            while self._ready:
                taken.append(self._ready.popleft())
            if self._event >= 0:
                os.eventfd_read(self._event)
            return taken

    def discard(self, object_id: ObjectID[Any]) -> None:
        """As if it had not been added."""
        with self._changed:
            self._pending.pop(object_id.binary(), None)
            if object_id in self._ready:
                self._ready.remove(object_id)
                if not self._ready and self._event >= 0:
                    os.eventfd_read(self._event)

    def fileno(self) -> int:
        """Readable when something is ready."""
        with self._changed:
            if self._event < 0 and not self._closed:
                self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                self._signal()
            return self._event

    def close(self) -> None:
        """For good."""
        with self._changed:
            self._closed = True
            self._pending.clear()
            self._ready.clear()
            if self._event >= 0:
                os.close(self._event)
                self._event = -1
            self._changed.notify_all()

    def _signal(self) -> None:
        if self._ready:
            if self._event >= 0:
                os.eventfd_write(self._event, 1)
            self._changed.notify_all()


class CompletionQueues:
    """Those of one client, for as long as somebody has them."""

    def __init__(self, is_available: Callable[[ObjectID[Any]], bool]) -> None:
        self._is_available = is_available
        self._made: weakref.WeakValueDictionary[int, InlineCompletions] = (
            weakref.WeakValueDictionary()
        )

    def make(self) -> InlineCompletions:
        """One more."""
        queue = InlineCompletions(self._is_available)
        self._made[id(queue)] = queue
        return queue

    def look(self) -> None:
        """Objects may have become available."""
        for queue in self._living():
            queue.look()

    def close(self) -> None:
        """All, for good."""
        for queue in self._living():
            queue.close()

    def _living(self) -> Iterator[InlineCompletions]:
        """Those of now; finalizers that run in between may make more."""
        return (queue for each in self._made.valuerefs() if (queue := each()) is not None)
