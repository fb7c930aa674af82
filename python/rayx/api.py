"""The beginning and the end of a session, and what may be asked of it in between.

>>> import rayx
>>> with rayx.init(num_cpus=2):
...     rayx.cluster_resources()
{'CPU': 2.0}
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from rayx import errors, session
from rayx._raylet import RayletError

if TYPE_CHECKING:
    from types import TracebackType

    from rayx.start import AddressInfo

# For questions to the node, which answers them at once or not at all.
_QUERY_MS = 10_000


class ErrorInfo(TypedDict):
    """One failed task, as `error_info` tells it."""

    driver_id: str
    task_id: str
    #: Name of the function.
    function: str
    #: Name of the exception's class in rayx: TaskError, WorkerCrashedError …
    kind: str
    #: What was printed.
    message: str
    #: Seconds since the epoch.
    time: float


class Context(dict[str, Any]):
    """What `init` returns: addresses of the session's processes (see `AddressInfo`).

    As a context manager, it ends the session.
    """

    def __enter__(self) -> Context:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutdown()

    @property
    def addresses(self) -> AddressInfo:
        """The same, with its type."""
        return self  # type: ignore[return-value]


def init(
    redis_address: str | None = None,
    node_ip_address: str | None = None,
    object_id_seed: int | None = None,
    num_workers: int | None = None,
    driver_mode: int = session.SCRIPT_MODE,
    redirect_output: bool = False,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    num_redis_shards: int | None = None,
    *,
    resources: Mapping[str, float] | None = None,
    object_store_memory: int | None = None,
) -> Context:
    """Starts a session on this machine, and makes this process its driver.

    - `redis_address`, `node_ip_address`: for clusters; not in this version.
    - `object_id_seed`: makes the ids of this driver follow from a number.
    - `num_workers`: workers started at once (as many as CPUs); more come as they are needed.
    - `driver_mode`: `SCRIPT_MODE`, or `SILENT_MODE` to not print errors of tasks.
    - `redirect_output`: output of the processes goes to files in the session's directory.
    - `num_cpus`, `num_gpus`, `resources`: what tasks can be given; by default the CPUs that this
      process may use, no GPUs, nothing else.
    - `num_redis_shards`: control servers beside the primary one.
    - `object_store_memory`: bytes for shared objects; by default a third of the memory.

    Everything ends with `shutdown()`, with the `with` block, or with this process.

    >>> with rayx.init(num_cpus=4, resources={"disk": 2}):
    ...     ...
    """
    from rayx.init_options import InitOptions

    options = InitOptions.checked(
        redis_address=redis_address,
        node_ip_address=node_ip_address,
        object_id_seed=object_id_seed,
        num_workers=num_workers,
        driver_mode=driver_mode,
        redirect_output=redirect_output,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        num_redis_shards=num_redis_shards,
        resources=resources,
        object_store_memory=object_store_memory,
    )
    with session.changing:
        _refuse_second_session()
        from rayx.start import start_session

        started, addresses = start_session(options)
        session.set_current(started)
        atexit.unregister(shutdown)
        atexit.register(shutdown)
    return Context(addresses)


def _refuse_second_session() -> None:
    existing = session.peek()
    if existing is None or existing.forked:
        return
    if existing.mode == session.WORKER_MODE:
        task = f"the task {existing.running}" if existing.running else "a worker"
        raise errors.AlreadyInitializedError(
            f"rayx.init() was called by {task}, which has its session already: use rayx as it is. "
            "If a module that the task imports calls it, put the call under "
            '`if __name__ == "__main__":`.'
        )
    raise errors.AlreadyInitializedError(
        "rayx.init() was called a second time: call rayx.shutdown() before, or guard the call by "
        "`if not rayx.is_initialized():`"
    )


def shutdown() -> None:
    """Ends the session and all its processes. Without a session, it does nothing.

    Objects are gone with the session; arrays that were got stay valid. Called at exit by itself.
    """
    with session.changing:
        existing = session.peek()
        if existing is None or existing.mode == session.WORKER_MODE:
            return
        session.set_current(None)
        if not existing.forked:  # in a fork, it is the parent's
            existing.close()


def is_initialized() -> bool:
    """Whether this process has a session: it is a driver after `init()`, or a worker."""
    existing = session.peek()
    return existing is not None and not existing.forked


def error_info() -> list[ErrorInfo]:
    """The tasks that failed, oldest first, as far as the error table remembers.

    >>> [error["function"] for error in rayx.error_info()]
    ['f']
    """
    owner = session.current()
    try:
        records = owner.client.errors(_QUERY_MS)
    except RayletError as error:
        raise owner.failure(error) from None
    return [
        ErrorInfo(
            driver_id=driver_id.hex(),
            task_id=task_id.hex(),
            function=name,
            kind=kind,
            message=text,
            time=time,
        )
        for driver_id, task_id, name, kind, text, time in records
    ]


def cluster_resources() -> dict[str, float]:
    """All there is to be given to tasks.

    >>> rayx.cluster_resources()
    {'CPU': 4.0, 'disk': 2.0}
    """
    return _resources()[0]


def available_resources() -> dict[str, float]:
    """What no task holds at the moment; an amount of 0 may be left out."""
    return _resources()[1]


def _resources() -> tuple[dict[str, float], dict[str, float]]:
    owner = session.current()
    try:
        return owner.client.cluster_resources(_QUERY_MS)
    except RayletError as error:
        raise owner.failure(error) from None
