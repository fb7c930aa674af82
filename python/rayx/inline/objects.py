"""The object store of PYTHON_MODE: bytes in this process, kept as long as somebody has their id.

Values pass through bytes as in a real run, so that what is got is a copy, and arrays are read-only.
"""

from __future__ import annotations

import threading
import types
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rayx import errors
from rayx._raylet import KIND_PICKLE, KIND_SYSTEM_ERROR, RayletError, detached_object_id

if TYPE_CHECKING:
    from rayx._raylet import ObjectID


class InlineObject:
    """A stored object: a copy of what it was made of. Keeps the objects whose ids it contains."""

    __slots__ = ("buffers", "contained", "frames", "kind", "nbytes", "pickle", "stream")

    def __init__(
        self,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> None:
        self.kind = kind
        self.stream = memoryview(bytes(stream))
        self.buffers = [memoryview(bytes(buffer)) for buffer in buffers or ()]
        self.contained = tuple(contained or ())
        self.pickle = self.stream if kind == KIND_PICKLE and not self.buffers else None
        #: Where a failure was raised, for debuggers.
        self.frames: types.TracebackType | None = None
        self.nbytes = len(self.stream) + sum(map(len, self.buffers))


class _Reference(weakref.ref["ObjectID[Any]"]):
    """Tells of the end of one ObjectID."""

    __slots__ = ("binary",)
    binary: bytes


class InlineObjects:
    """Objects by id, and how many ObjectIDs there are of each. Thread-safe."""

    def __init__(self, capacity_bytes: int, on_deleted: Callable[[bytes], None]) -> None:
        self.capacity_bytes = capacity_bytes
        self._on_deleted = on_deleted
        # Reentrant: an ObjectID may end wherever Python collects garbage.
        self._lock = threading.RLock()
        self._objects: dict[bytes, InlineObject] = {}
        self._used_bytes = 0
        # Keyed by `id(reference)`: weak references are equal if what they refer to is.
        self._references: dict[int, _Reference] = {}
        self._counts: dict[bytes, int] = {}

    def make_id(self, binary: bytes) -> ObjectID[Any]:
        """One more ObjectID of this name."""
        made = detached_object_id(binary)
        reference = _Reference(made, self._drop)
        reference.binary = binary
        with self._lock:
            self._references[id(reference)] = reference
            self._counts[binary] = self._counts.get(binary, 0) + 1
        return made

    def find(self, object_id: ObjectID[Any]) -> InlineObject | None:
        """None if it is not there."""
        return self._objects.get(object_id.binary())

    def store(self, binary: bytes, stored: InlineObject) -> None:
        """RayletError "StoreFull" if there is no room."""
        with self._lock:
            if self._used_bytes + stored.nbytes > self.capacity_bytes:
                raise RayletError(
                    "StoreFull",
                    f"no room for {stored.nbytes:,} bytes: {self._used_bytes:,} of "
                    f"{self.capacity_bytes:,} are in use. Drop ObjectIDs that are not needed, or "
                    "give more to rayx.init(object_store_memory=…)",
                )
            if binary in self._counts:  # else nobody can ask for it
                self._objects[binary] = stored
                self._used_bytes += stored.nbytes

    def clear(self) -> None:
        """Forgets all; what was got stays valid."""
        with self._lock:
            objects, self._objects = self._objects, {}
            self._references.clear()
            self._counts.clear()
            self._used_bytes = 0
        objects.clear()  # which may end ObjectIDs, without anybody to tell

    def _drop(self, reference: weakref.ref[ObjectID[Any]]) -> None:
        assert isinstance(reference, _Reference)
        with self._lock:
            if self._references.pop(id(reference), None) is None:
                return
            left = self._counts[reference.binary] - 1
            if left:
                self._counts[reference.binary] = left
                return
            del self._counts[reference.binary]
            stored = self._objects.pop(reference.binary, None)
            if stored is not None:
                self._used_bytes -= stored.nbytes
        self._on_deleted(reference.binary)


def system_error(code: int, text: str) -> InlineObject:
    """What stands in the place of a value that there is not."""
    return InlineObject(KIND_SYSTEM_ERROR, bytes([code]) + text.encode(), None, None)


def never_there(missing: Sequence[ObjectID[Any]]) -> errors.DeadlockError:
    """Why a wait for these would have no end."""
    return errors.DeadlockError(
        f"{missing[0]!r} would never be there: in PYTHON_MODE a task runs when it is called, "
        "unless it needs a call of an actor that waits for the end of the present one"
    )
