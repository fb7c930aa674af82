"""Types of the compiled doorway to rayx's C++ client (`cpp/client`).

It converts, releases the GIL, raises; no policy.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, final

T_co = TypeVar("T_co", covariant=True)

PROTOCOL_VERSION: Final[int]
INLINE_OBJECT_BYTES_MAX: Final[int]

# Kinds of stored objects (cpp/common/protocol/object_layout.h).
KIND_PICKLE: Final[int]
KIND_BYTES: Final[int]
KIND_TASK_ERROR: Final[int]
KIND_SYSTEM_ERROR: Final[int]

class RayletError(Exception):
    """A Status that is not OK; errors.py makes the public exceptions of it.

    `code` is its name ("StoreFull", "Disconnected", …).
    """

    code: str
    message: str

@final
class ObjectID(Generic[T_co]):
    """Names an immutable object, present or to come. Made by rayx, never by hand.

    Holds a reference: the object lives at least as long as this ObjectID does.
    """

    def binary(self) -> bytes: ...
    def hex(self) -> str: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    # Pickles as a call of `set_object_id_hooks`' rebuild with its bytes, after telling the other
    # hook.
    def __reduce__(self) -> tuple[Any, ...]: ...

def set_object_id_hooks(
    on_reduce: Callable[[ObjectID[Any]], None], rebuild: Callable[[bytes], ObjectID[Any]]
) -> None:
    """Tells what happens when an ObjectID is pickled (it is noted as contained) and unpickled."""

@final
class ObjectBuffer:
    """The bytes of a stored object, read-only; in shared memory if the object is large.

    Views keep it alive (buffer protocol).
    """

    @property
    def kind(self) -> int: ...
    @property
    def stream(self) -> memoryview: ...
    @property
    def buffers(self) -> list[memoryview]: ...
    @property
    def nbytes(self) -> int: ...

@final
class TaskTemplate:
    """What is the same in every call of one remote function with one set of options."""

    def __init__(
        self,
        function_id: bytes,
        name: str,
        resources: dict[str, float],
        num_return_vals: int,
        max_retries: int,
    ) -> None: ...

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
    def attempt(self) -> int: ...
    @property
    def num_return_vals(self) -> int: ...
    @property
    def args(self) -> ObjectBuffer | None:
        """The serialized arguments, wherever they were; None for a call without arguments."""
    @property
    def values(self) -> list[ObjectBuffer]:
        """The arguments given as ids, in order (without the arguments object itself)."""
    @property
    def driver_config(self) -> bytes | None: ...
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
    def export_function(self, function_id: bytes, name: str, pickled: bytes) -> None: ...
    def fetch_function(self, function_id: bytes) -> bytes: ...
    def submit(
        self,
        template: TaskTemplate,
        stream: bytes | None,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        dependencies: Sequence[ObjectID[Any]] | None,
    ) -> list[ObjectID[Any]]:
        """`stream` None: a call without arguments. `buffers` are out-of-band and contiguous."""
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
    def poll(self) -> None: ...
    def next_task(self) -> RunnableTask: ...
    def put_result(
        self,
        index: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> None: ...
    def finish_task(self, error_text: str | None, wrote_output: bool) -> None: ...
    def errors(self, timeout_ms: int) -> list[tuple[bytes, bytes, str, str, str, float]]:
        """(driver id, task id, function name, kind, text, time) for each."""
    def cluster_resources(self, timeout_ms: int) -> tuple[dict[str, float], dict[str, float]]:
        """(total, available)."""
    def dump(self, timeout_ms: int) -> str: ...
    def seed_ids(self, seed: int) -> None: ...
    def close(self) -> None: ...

@final
class OutputChannel:
    """The driver's second connection: what workers print, and errors of tasks."""

    @staticmethod
    def connect(socket_path: str, driver_id: bytes, python_version: str) -> OutputChannel: ...
    def next(self) -> tuple[str, int, str, bool, bytes]:
        """("lines" | "failed" | "drained", pid, function name, is_stderr, text). Waits."""
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

def split_object(data: bytes) -> ObjectBuffer:
    """Parses bytes in the object layout (tests)."""
