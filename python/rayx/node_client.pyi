"""What a session asks of its client, whoever answers: a node, or in PYTHON_MODE this process.

    Session ──▶ NodeClient ◁── _raylet.Client        (a connection to a node)
                           ◁── inline.client.InlineClient

For type checkers: there is nothing to import when a program runs. The compiled Client has these
signatures from here.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from rayx._raylet.buffers import StoredObject as StoredObject
from rayx._raylet.ids import ObjectID
from rayx._raylet.tasks import RunnableTask, TaskTemplate

#: A value to be stored: kind, stream, buffers, ids inside.
Parts: TypeAlias = tuple[int, Any, Sequence[Any] | None, Sequence[ObjectID[Any]] | None]

class CompletionQueue(Protocol):
    """A queue of objects in the order in which they become available. Thread-safe.

    What is in it is kept alive.
    """

    def add(self, object_ids: Sequence[ObjectID[Any]], /) -> None:
        """Puts these into the queue, each once for each time it is given. Does not wait.

        Those that this process knows to be available are ready at once. RayletError
        "InvalidArgument" after `close`.
        """
    def take(self, timeout_ms: int, /) -> list[ObjectID[Any]]:
        """What is ready, in order; waits for at least one. Empty after the timeout (-1: none)."""
    def discard(self, object_id: ObjectID[Any], /) -> None:
        """As if it had not been added, however often it was."""
    def fileno(self) -> int:
        """Can be read while `take` would not wait; -1 after `close`."""
    def close(self) -> None:
        """Empties the queue for good. No event loop may be watching `fileno()` any more."""

class Connected(Protocol):
    """The connection itself."""

    @property
    def node_id(self) -> bytes: ...
    @property
    def pool_bytes(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...
    def poll(self) -> None:
        """Takes in what the node has sent, without waiting."""
    def ask(self, question: str, fields: dict[str, Any], timeout_ms: int, /) -> dict[str, Any]:
        """Asks the node; `rayx.questions` has a function for each question.

        A question is a table of cpp/common/protocol/questions.fbs: `fields` are its fields (str,
        int, or bytes, as which ids are given), and what comes back are those of the reply.
        """
    def seed_ids(self, seed: int, /) -> None: ...
    def close(self) -> None: ...

class StoresObjects(Protocol):
    """Objects: to put, to get, to wait for."""

    def object_id(self, binary: bytes, /) -> ObjectID[Any]:
        """An ObjectID for these 20 bytes; takes a reference."""
    def put(
        self,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        /,
    ) -> ObjectID[Any]: ...
    def get(self, ids: Sequence[ObjectID[Any]], timeout_ms: int, /) -> Sequence[StoredObject]:
        """Negative timeout: without end. RayletError "TimedOut" if some are not there in time."""
    def wait(self, ids: Sequence[ObjectID[Any]], count: int, timeout_ms: int, /) -> list[bool]:
        """Which are there, when `count` of them are, or after the timeout."""
    def private_copy(self, part: memoryview, /) -> memoryview | None:
        """The bytes of an object's buffer, to be written without anybody else seeing it.

        Copied page by page when they are written. All parts of one object are parts of one copy.
        None if `part` is none, does not lie in shared memory or is so small that a copy costs less,
        or if the process has no room for the mapping.
        """
    def completions(self) -> CompletionQueue: ...

class RunsTasks(Protocol):
    """Functions, tasks and actors, as who calls them sees them."""

    def export_function(
        self,
        function_id: bytes,
        name: str,
        pickled: bytes,
        contained: Sequence[ObjectID[Any]],
        /,
    ) -> None:
        """The node keeps it for as long as somebody refers to the object that stands for it.

        That is the function's id with four bytes 0xff behind it; the caller has an ObjectID of it.
        `contained` are ids inside the function, its own among them if it refers to itself.
        """
    def fetch_function(self, function_id: bytes, /) -> bytes:
        """RayletError "NotFound" if it was not exported, or nobody referred to it any more."""
    def submit(
        self,
        template: TaskTemplate,
        stream: bytes | None,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        dependencies: Sequence[ObjectID[Any]] | None,
        /,
    ) -> list[ObjectID[Any]]:
        """`stream` None: a call without arguments. `buffers` are out-of-band and contiguous."""
    def grant_credit(
        self, stream_end: ObjectID[Any], first: int, count: int, credit: int, /
    ) -> list[ObjectID[Any]]:
        """The consumer of a stream wants `count` more items, from number `first` on.

        Their ids, and that of the credit, an object that the task waits for (streams.h of `cpp`).
        """
    def cancel(self, object_id: ObjectID[Any], force: bool, /) -> None:
        """Nobody wants the results of the task that makes the object any more.

        It is taken back, or interrupted; with `force` its worker is ended at once. Does not wait.
        RayletError "InvalidArgument" for an object that was put.
        """
    def cancel_all(self, force: bool, /) -> None:
        """The same for all tasks of this driver, and all calls of its actors."""
    def kill_actor(self, object_id: ObjectID[Any], /) -> None:
        """Ends the actor, given as the result of its creation. Does not wait."""
    def find_actor(self, name: str, timeout_ms: int, /) -> tuple[ObjectID[Any], bytes] | None:
        """The result of the creation of the actor of that name, and the info that came with it."""
    def add_worker_setup(self, pickled: bytes, /) -> None:
        """Each worker gets this once, with its next task of this driver (RunnableTask.setups)."""

class TellsOfTasks(Protocol):
    """What a worker asks and says of the tasks that it runs."""

    def next_task(self, forget: Callable[[list[bytes]], None], /) -> RunnableTask:
        """The next task for this worker; waits. One thread at a time.

        Tasks taken before need not be finished, if they are calls of an actor with
        max_concurrency > 1. RayletError "Disconnected" when the node ends this worker. Puts and
        submits of the calling thread are named after the newest task. While that is the only one
        and this thread waits in `get`, `wait` or `take`, the node lets others have its CPUs.
        Meanwhile calls `forget` with functions, fetched here before, that nobody needs any more,
        and with none when it has waited for a second since, or now and then.
        """
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
    def put_results(self, task: RunnableTask, results: Sequence[Parts], first: int, /) -> int:
        """Stores those of `results` from number `first` on, as `put_result` each.

        Returns how many are stored: all, or those before one that could not be, if that is not the
        first.
        """
    def put_item(
        self,
        task: RunnableTask,
        item: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        /,
    ) -> None:
        """Stores an item of the stream that the task makes; they count from 0."""
    def finish_task(
        self,
        task: RunnableTask,
        error_text: str | None,
        wrote_output: bool,
        failed: bool,
        state: ObjectID[Any] | None = None,
        /,
    ) -> None:
        """The task has ended; its results are stored. Any thread.

        `error_text` is printed in the driver. `failed`: the results are errors. `state`, of an
        actor's call: an object that was put, with what the actor needs to go on from here in
        another worker. The node keeps the last one.
        """
    def lend_cpus(self) -> int:
        """The open task begins to wait for objects otherwise than in `wait` and `get`.

        Its CPUs may be used by others, until `return_cpus` of what this returns, which is 0 (and
        nothing happens) in a driver and while several tasks are open.
        """
    def return_cpus(self, wait: int, /) -> None:
        """The wait is over. Nothing happens if its task has ended before."""
    def interrupt(self) -> tuple[int, int]:
        """(sequence, reason) of the task of this worker that the node has interrupted last.

        Reasons: 0 none has been, 1 cancelled, 2 timed out. The node says so by SIGURG; the task may
        have ended meanwhile. Costs a read of memory.
        """

class NodeClient(Connected, StoresObjects, RunsTasks, TellsOfTasks, Protocol):
    """All of it. Thread-safe."""
