"""Stored objects, as views on their bytes."""

from typing import Protocol, final

class StoredObject(Protocol):
    """The bytes of a stored object, read-only; in shared memory if the object is large."""

    @property
    def kind(self) -> int: ...
    @property
    def stream(self) -> memoryview | bytes:
        """A copy if it is small."""
    @property
    def pickle(self) -> memoryview | bytes | None:
        """The whole value, if it is a pickle without out-of-band data; else None."""
    @property
    def buffers(self) -> list[memoryview]: ...
    @property
    def nbytes(self) -> int: ...

@final
class ObjectBuffer(StoredObject):
    """What a node's client returns. Views keep it alive (buffer protocol)."""

def split_object(data: bytes) -> ObjectBuffer:
    """Parses bytes in the object layout (tests)."""
