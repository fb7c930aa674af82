"""What a session asks of its client, whoever answers: a node, or in PYTHON_MODE this process.

    Session ──▶ NodeClient ◁── _raylet.Client        (a connection to a node)
                           ◁── inline.client.InlineClient

The methods are those of `_raylet.Client`, which says what each does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rayx._raylet import ObjectID, RunnableTask, TaskTemplate


#: A value to be stored: kind, stream, buffers, ids inside.
Parts: TypeAlias = "tuple[int, Any, Sequence[Any] | None, Sequence[ObjectID[Any]] | None]"


class StoredObject(Protocol):
    """The bytes of a stored object, read-only."""

    @property
    def kind(self) -> int: ...
    @property
    def stream(self) -> memoryview | bytes: ...
    @property
    def pickle(self) -> memoryview | bytes | None: ...
    @property
    def buffers(self) -> list[memoryview]: ...
    @property
    def nbytes(self) -> int: ...


class CompletionQueue(Protocol):
    """Ids that have become available."""

    def add(self, object_ids: Sequence[ObjectID[Any]], /) -> None: ...
    def take(self, timeout_ms: int, /) -> list[ObjectID[Any]]: ...
    def discard(self, object_id: ObjectID[Any], /) -> None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class NodeClient(Protocol):
    """Thread-safe."""

    @property
    def node_id(self) -> bytes: ...
    @property
    def pool_bytes(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...

    # Objects.
    def object_id(self, binary: bytes, /) -> ObjectID[Any]: ...
    def put(
        self,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        /,
    ) -> ObjectID[Any]: ...
    def get(self, ids: Sequence[ObjectID[Any]], timeout_ms: int, /) -> Sequence[StoredObject]: ...
    def wait(self, ids: Sequence[ObjectID[Any]], count: int, timeout_ms: int, /) -> list[bool]: ...
    def private_copy(self, part: memoryview, /) -> memoryview | None: ...
    def completions(self) -> CompletionQueue: ...

    # Functions and tasks.
    def export_function(
        self,
        function_id: bytes,
        name: str,
        pickled: bytes,
        contained: Sequence[ObjectID[Any]],
        /,
    ) -> None: ...
    def fetch_function(self, function_id: bytes, /) -> bytes: ...
    def submit(
        self,
        template: TaskTemplate,
        stream: bytes | None,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        dependencies: Sequence[ObjectID[Any]] | None,
        /,
    ) -> list[ObjectID[Any]]: ...
    def grant_credit(
        self, stream_end: ObjectID[Any], first: int, count: int, credit: int, /
    ) -> list[ObjectID[Any]]: ...
    def cancel(self, object_id: ObjectID[Any], force: bool, /) -> None: ...
    def cancel_all(self, force: bool, /) -> None: ...
    def add_worker_setup(self, pickled: bytes, /) -> None: ...

    # Actors.
    def kill_actor(self, object_id: ObjectID[Any], /) -> None: ...
    def find_actor(self, name: str, timeout_ms: int, /) -> tuple[ObjectID[Any], bytes] | None: ...

    # Questions.
    def ask(self, question: str, fields: dict[str, Any], timeout_ms: int, /) -> dict[str, Any]: ...

    # What a worker says of its task.
    def next_task(self, forget: Callable[[list[bytes]], None], /) -> RunnableTask: ...
    def seed_ids(self, seed: int, /) -> None: ...
    def lend_cpus(self) -> int: ...
    def return_cpus(self, wait: int, /) -> None: ...
    def interrupt(self) -> tuple[int, int]: ...
    def put_result(
        self,
        task: RunnableTask,
        index: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        /,
    ) -> None: ...
    def put_results(
        self,
        task: RunnableTask,
        results: Sequence[Parts],
        first: int,
        /,
    ) -> int: ...
    def put_item(
        self,
        task: RunnableTask,
        item: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        /,
    ) -> None: ...
    def finish_task(
        self,
        task: RunnableTask,
        error_text: str | None,
        wrote_output: bool,
        failed: bool,
        state: ObjectID[Any] | None = None,
        /,
    ) -> None: ...
