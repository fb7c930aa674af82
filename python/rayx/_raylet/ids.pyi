"""ObjectID, and the hooks by which others do what it is asked."""

from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextvars import Context
from typing import Any, Generic, Protocol, Self, TypeVar, final

T_co = TypeVar("T_co", covariant=True)

@final
class ObjectID(Generic[T_co]):
    """Names an immutable object, present or to come. Made by rayx, never by hand.

    Holds a reference: the object lives at least as long as this ObjectID does. Can be compared,
    hashed, pickled into arguments and other objects, and awaited in a coroutine.
    """

    def binary(self) -> bytes:
        """Its 20 bytes."""
    def hex(self) -> str:
        """Its bytes as 40 hexadecimal digits."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    # Pickles as a call of `set_object_id_hooks`' rebuild with its bytes, after telling the other
    # hook.
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self: ...
    def __await__(self) -> Generator[Any, None, T_co]:
        """`await object_id` on an event loop of asyncio is what `rayx.get` is elsewhere."""
    def future(self) -> Future[T_co]:
        """For code that takes a concurrent.futures.Future. Cancelling it leaves the task alone."""
    # As a future of asyncio, so that `asyncio.wait(ids)` works.
    def done(self) -> bool:
        """Whether the object is there, be it a value or a failure. Does not wait."""
    def result(self) -> T_co:
        """What `rayx.get` returns or raises, if the object is there; else InvalidStateError."""
    def exception(self) -> BaseException | None:
        """What `rayx.get` raises, or None; InvalidStateError if the object is not there."""
    def cancelled(self) -> bool:
        """False: a cancelled task has an exception, TaskCancelledError."""
    def add_done_callback(
        self, callback: Callable[[ObjectID[T_co]], object], *, context: Context | None = None
    ) -> None:
        """Calls `callback(object_id)` on the event loop that runs now, when the object is there."""
    def remove_done_callback(self, callback: Callable[[ObjectID[T_co]], object]) -> int:
        """Undoes `add_done_callback`; returns how many there were that have not been called."""

class WaitingHooks(Protocol):
    """What the methods of an ObjectID do that have to do with waiting."""

    def on_await(self, object_id: ObjectID[Any], /) -> Generator[Any, None, Any]: ...
    def future(self, object_id: ObjectID[Any], /) -> Future[Any]: ...
    def done(self, object_id: ObjectID[Any], /) -> bool: ...
    def result(self, object_id: ObjectID[Any], /) -> Any: ...
    def exception(self, object_id: ObjectID[Any], /) -> BaseException | None: ...
    def add_done_callback(
        self,
        object_id: ObjectID[Any],
        callback: Callable[[ObjectID[Any]], object],
        context: Context | None,
        /,
    ) -> None: ...
    def remove_done_callback(
        self, object_id: ObjectID[Any], callback: Callable[[ObjectID[Any]], object], /
    ) -> int: ...

def set_waiting_hooks(hooks: WaitingHooks) -> None:
    """Who does what ObjectIDs are asked that has to do with waiting."""

def set_object_id_hooks(
    on_reduce: Callable[[ObjectID[Any]], None], rebuild: Callable[[bytes], ObjectID[Any]]
) -> None:
    """Tells what happens when an ObjectID is pickled (it is noted as contained) and unpickled."""

def first_foreign(items: list[Any], /) -> int | None:
    """Where the first item is that is no ObjectID."""

def first_repeated(ids: list[ObjectID[Any]], /) -> int | None:
    """Where the first ObjectID is that is equal to one before it."""

def detached_object_id(binary: bytes) -> ObjectID[Any]:
    """An ObjectID of no node: it refers to nothing, whoever makes it counts it (PYTHON_MODE)."""
