"""Types of the compiled doorway to rayx's C++ client (`cpp/client`).

It converts, releases the GIL, raises; no policy.
"""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextvars import Context
from typing import Any, Final, Generic, Protocol, Self, TypeVar, final

T_co = TypeVar("T_co", covariant=True)

PROTOCOL_VERSION: Final[int]
INLINE_OBJECT_BYTES_MAX: Final[int]

# Kinds of stored objects (cpp/common/protocol/object_layout.h).
KIND_PICKLE: Final[int]
KIND_BYTES: Final[int]
KIND_TASK_ERROR: Final[int]
KIND_SYSTEM_ERROR: Final[int]

# Kinds of tasks (cpp/common/protocol/task.fbs).
KIND_FUNCTION: Final[int]
KIND_ACTOR_CREATION: Final[int]
KIND_ACTOR_CALL: Final[int]

# Why rayx gave an object an error for a value (cpp/common/protocol/object_layout.h).
ERROR_WORKER_CRASHED: Final[int]
ERROR_INFEASIBLE: Final[int]
ERROR_OBJECT_LOST: Final[int]
ERROR_TASK_CANCELLED: Final[int]
ERROR_OBJECT_STORE_FULL: Final[int]
ERROR_WORKER_START_FAILED: Final[int]
ERROR_ACTOR_DIED: Final[int]
ERROR_TASK_TIMED_OUT: Final[int]

# Why a task is interrupted (cpp/common/protocol/interrupt_reason.h).
INTERRUPT_CANCELLED: Final[int]
INTERRUPT_TIMED_OUT: Final[int]

# An ObjectID is the id of a task, then an index in four bytes, little endian: a return value, an
# item of a stream, or with a bit for puts and for credit of a stream (cpp/common/base/ids.h).
TASK_ID_BYTES: Final[int]
PUT_BIT: Final[int]
STREAM_CREDIT_BIT: Final[int]
FUNCTION_INDEX: Final[int]

# What the node takes at most, and how long it waits (cpp/common/base/limits.h).
FUNCTION_BYTES_MAX: Final[int]
NAME_BYTES_MAX: Final[int]
RETURNS_MAX: Final[int]
ACTOR_CONCURRENCY_MAX: Final[int]
WORKERS_MAX: Final[int]
RESOURCE_MAX: Final[int]
RESOURCE_UNITS_PER_ONE: Final[int]
WORKER_EXIT_MS: Final[int]
DRIVER_END_MS: Final[int]

class RayletError(Exception):
    """A Status that is not OK; errors.py makes the public exceptions of it.

    `code` is its name ("StoreFull", "Disconnected", …).
    """

    code: str
    message: str

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

class _Look(Protocol):
    @property
    def next_ms(self) -> int: ...

_L = TypeVar("_L", bound=_Look)

def set_long_wait_hook(
    hook: Callable[[Sequence[ObjectID[Any]], bool, int, _L | None], _L], look_ms: int
) -> None:
    """Who is told of a `get` or `wait` that has lasted for `look_ms`, and again at its `next_ms`.

    With the ids, whether all are waited for, the milliseconds since the beginning, and what it
    returned the last time.
    """

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

@final
class ObjectBuffer:
    """The bytes of a stored object, read-only; in shared memory if the object is large.

    Views keep it alive (buffer protocol).
    """

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

DEFAULT_OPTIONS: Final[Mapping[str, int]]
"""Of a call for which nothing is said, by their names in cpp/common/protocol/call_options.fbs."""

@final
class TaskTemplate:
    """What is the same in every call of one remote function or method with one set of options.

    A method (`kind` KIND_ACTOR_CALL) has `actor` and `method`: `actor` is the result of the actor's
    creation, which the template and each of its calls refer to; resources and the option
    `max_retries` count for nothing then. A creation may have a name and, for those who find it by
    that, an info. `options` are those of cpp/common/protocol/call_options.fbs, without the ones
    that have their defaults, or with.
    """

    def __init__(
        self,
        function_id: bytes,
        name: str,
        resources: dict[str, float],
        num_return_vals: int,
        options: dict[str, int],
        *,
        kind: int = ...,
        actor: ObjectID[Any] | None = None,
        method: str = "",
        actor_name: str = "",
        actor_info: bytes = b"",
    ) -> None: ...
    # What PYTHON_MODE reads.
    @property
    def function_id(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def resources(self) -> dict[str, float]: ...
    @property
    def num_return_vals(self) -> int: ...
    @property
    def kind(self) -> int: ...
    @property
    def actor(self) -> ObjectID[Any] | None: ...
    @property
    def method(self) -> str: ...
    @property
    def actor_name(self) -> str: ...
    @property
    def actor_info(self) -> bytes: ...
    @property
    def options(self) -> Mapping[str, int]: ...

@final
class RunnableTask:
    """A task for this worker."""

    @property
    def task_id(self) -> bytes: ...
    @property
    def driver_id(self) -> bytes: ...
    @property
    def function_id(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def sequence(self) -> int:
        """The task's number in this worker."""
    @property
    def attempt(self) -> int: ...
    @property
    def kind(self) -> int: ...
    @property
    def actor_id(self) -> bytes:
        """Of a call: the task id of the actor's creation; otherwise zeros."""
    @property
    def method(self) -> str:
        """Of a call; otherwise empty."""
    @property
    def gpu_ids(self) -> list[int]:
        """The GPUs, by index, that the task or its actor has."""
    @property
    def num_cpus(self) -> float:
        """What the task asked for; 0 for a call, which runs on what its actor has."""
    @property
    def options(self) -> Mapping[str, int]:
        """All of them, by their names in cpp/common/protocol/call_options.fbs."""
    @property
    def setups(self) -> list[bytes]:
        """Pickled functions that the driver wants run in this worker before the task, in order."""
    @property
    def num_return_vals(self) -> int: ...
    @property
    def args(self) -> ObjectBuffer | None:
        """The serialized arguments, wherever they were; None for a call without arguments."""
    @property
    def values(self) -> list[ObjectBuffer]:
        """The arguments given as ids, in order (without the arguments object itself)."""
    @property
    def has_news(self) -> bool:
        """Whether `driver_config` or `setups` say something."""
    @property
    def driver_config(self) -> bytes | None: ...
    @property
    def state(self) -> ObjectID[Any] | None:
        """Of a creation whose actor lived before: the last state that it left, if it left one."""
    def release(self) -> None:
        """Gives up the memory of the arguments; views on it keep what they need."""

@final
class Client:
    """A connection to the node. Thread-safe.

    Methods that wait release the GIL and honour Ctrl-C.
    """

    @staticmethod
    def connect_driver(
        socket_path: str, driver_id: bytes, python_version: str, driver_config: bytes
    ) -> Client: ...
    @staticmethod
    def adopt_worker(socket_fd: int, claim_fd: int, number: int, python_version: str) -> Client: ...
    @property
    def node_id(self) -> bytes: ...
    @property
    def pool_bytes(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...
    def object_id(self, binary: bytes) -> ObjectID[Any]:
        """An ObjectID for these 20 bytes; takes a reference."""
    def has_reference(self, binary: bytes) -> bool:
        """Whether this process has an ObjectID of these 20 bytes, or waits for its object."""
    def export_function(
        self,
        function_id: bytes,
        name: str,
        pickled: bytes,
        contained: Sequence[ObjectID[Any]],
    ) -> None:
        """The node keeps it for as long as somebody refers to the object that stands for it.

        That is the function's id with four bytes 0xff behind it; the caller has an ObjectID of it.
        `contained` are ids inside the function, its own among them if it refers to itself.
        """
    def fetch_function(self, function_id: bytes) -> bytes:
        """RayletError "NotFound" if it was not exported, or nobody referred to it any more."""
    def submit(
        self,
        template: TaskTemplate,
        stream: bytes | None,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        dependencies: Sequence[ObjectID[Any]] | None,
    ) -> list[ObjectID[Any]]:
        """`stream` None: a call without arguments. `buffers` are out-of-band and contiguous."""
    def grant_credit(
        self, stream_end: ObjectID[Any], first: int, count: int, credit: int
    ) -> list[ObjectID[Any]]:
        """The consumer of a stream wants `count` more items, from number `first` on.

        Their ids, and that of the credit, an object that the task waits for (streams.h of `cpp`).
        """
    def cancel(self, object_id: ObjectID[Any], force: bool) -> None:
        """Nobody wants the results of the task that makes the object any more.

        It is taken back, or interrupted; with `force` its worker is ended at once. Does not wait.
        RayletError "InvalidArgument" for an object that was put.
        """
    def cancel_all(self, force: bool) -> None:
        """The same for all tasks of this driver, and all calls of its actors."""
    def kill_actor(self, object_id: ObjectID[Any]) -> None:
        """Ends the actor, given as the result of its creation. Does not wait."""
    def find_actor(self, name: str, timeout_ms: int) -> tuple[ObjectID[Any], bytes] | None:
        """The result of the creation of the actor of that name, and the info that came with it."""
    def add_worker_setup(self, pickled: bytes) -> None:
        """Each worker gets this once, with its next task of this driver (RunnableTask.setups)."""
    def put(
        self,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> ObjectID[Any]: ...
    def get(self, ids: Sequence[ObjectID[Any]], timeout_ms: int) -> list[ObjectBuffer]:
        """Negative timeout: without end. RayletError "TimedOut" if some are not there in time."""
    def wait(self, ids: Sequence[ObjectID[Any]], count: int, timeout_ms: int) -> list[bool]: ...
    def private_copy(self, part: memoryview) -> memoryview | None:
        """The bytes of an object's buffer, to be written without anybody else seeing it.

        Copied page by page when they are written. All parts of one ObjectBuffer are parts of one
        copy. None if `part` is none, does not lie in shared memory or is so small that a copy costs
        less, or if the process has no room for the mapping.
        """
    def poll(self) -> None:
        """Takes in what the node has sent, without waiting."""
    def completions(self) -> Completions: ...
    def next_task(self, forget: Callable[[list[bytes]], None] | None = None) -> RunnableTask:
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
    ) -> None: ...
    def put_results(
        self,
        task: RunnableTask,
        results: Sequence[tuple[int, Any, Sequence[Any] | None, Sequence[ObjectID[Any]] | None]],
        first: int,
        /,
    ) -> int:
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
    ) -> None:
        """Stores an item of the stream that the task makes; they count from 0."""
    def finish_task(
        self,
        task: RunnableTask,
        error_text: str | None,
        wrote_output: bool,
        failed: bool,
        state: ObjectID[Any] | None = None,
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
    def return_cpus(self, wait: int) -> None:
        """The wait is over. Nothing happens if its task has ended before."""
    def interrupt(self) -> tuple[int, int]:
        """(sequence, reason) of the task of this worker that the node has interrupted last.

        Reasons: 0 none has been, 1 cancelled, 2 timed out. The node says so by SIGURG; the task may
        have ended meanwhile. Costs a read of memory.
        """
    def note_exit_work(self) -> None:
        """Something is to be run when this worker ends, so that the end of its driver waits for it.

        Does nothing in a driver, or in a fork of the worker.
        """
    def ask(self, question: str, fields: dict[str, Any], timeout_ms: int) -> dict[str, Any]:
        """Asks the node; `rayx.questions` has a function for each question.

        A question is a table of cpp/common/protocol/questions.fbs: `fields` are its fields (str,
        int, or bytes, as which ids are given), and what comes back are those of the reply.
        """
    def seed_ids(self, seed: int) -> None: ...
    def close(self) -> None: ...

@final
class Completions:
    """A queue of objects in the order in which they become available. Thread-safe.

    What is in it is kept alive. It moves when somebody reads the node's socket, as `take` does;
    whoever waits for `fileno()` instead (an event loop) must also watch `client.fileno()`, and call
    `client.poll()` when that can be read.
    """

    def add(self, object_ids: Sequence[ObjectID[Any]]) -> None:
        """Puts these into the queue, each once for each time it is given. Does not wait.

        Those that this process knows to be available are ready at once. RayletError
        "InvalidArgument" after `close`.
        """
    def take(self, timeout_ms: int) -> list[ObjectID[Any]]:
        """What is ready, in order; waits for at least one. Empty after the timeout (-1: none)."""
    def discard(self, object_id: ObjectID[Any]) -> None:
        """As if it had not been added, however often it was."""
    def fileno(self) -> int:
        """Can be read while `take` would not wait; -1 after `close`."""
    def close(self) -> None:
        """Empties the queue for good. No event loop may be watching `fileno()` any more."""

@final
class OutputChannel:
    """The driver's second connection: what workers print, and errors of tasks."""

    @staticmethod
    def connect(socket_path: str, driver_id: bytes, python_version: str) -> OutputChannel: ...
    def next(self, timeout_ms: int = -1) -> tuple[str, int, str, bool, bytes] | None:
        """("lines" | "failed" | "drained", pid, function name, is_stderr, text).

        Waits for it, without end if the time is negative. None: nothing came in time.
        """
    def drain(self) -> None: ...
    def close(self) -> None: ...

@final
class TemplateChannel:
    """The worker template's connection."""

    def __init__(self, socket_fd: int) -> None: ...
    def fileno(self) -> int: ...
    def report_ready(self, pid: int) -> None: ...
    def next_request(self) -> tuple[int, int, int, int, int] | None:
        """(number, socket fd, stdout fd, stderr fd, claim fd), or None if none has arrived."""
    def report_forked(self, number: int, pid: int, error_number: int) -> None: ...
    def report_exited(self, pid: int, wait_status: int) -> None: ...
    def abandon(self) -> None: ...

class UnraisableHook:
    """For `sys.unraisablehook`: may raise again what was raised in a finalizer, behind it.

    `on_lost` is called with what the hook is called with. If it returns True, this process is as if
    it had got the signal; if a class of exceptions, that is raised in this thread. Either happens
    where Python's code goes on, which is not in the finalizer unless that was in another.
    """

    def __init__(
        self,
        on_lost: Callable[[sys.UnraisableHookArgs], bool | type[BaseException]],
        signal_number: int,
    ) -> None: ...
    def __call__(self, lost: sys.UnraisableHookArgs) -> None: ...

def split_object(data: bytes) -> ObjectBuffer:
    """Parses bytes in the object layout (tests)."""
