"""What a caller asks for, and what a worker is given to run."""

from collections.abc import Mapping
from typing import Any, Final, final

from rayx._raylet.buffers import ObjectBuffer
from rayx._raylet.ids import ObjectID

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
