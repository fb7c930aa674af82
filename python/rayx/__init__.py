"""Runs Python functions in parallel, and shares their results without copying.

>>> import rayx
>>> rayx.init()
{'session_dir': ...}
>>> @rayx.remote
... def square(x):
...     return x * x
>>> rayx.get([square.remote(i) for i in range(4)])
[0, 1, 4, 9]
"""

import sys
from typing import TYPE_CHECKING, Any

from rayx._raylet import ObjectID
from rayx.actor import Actor, ActorClass, get_actor, kill
from rayx.actor_handle import ActorHandle, ActorMethod
from rayx.actor_options import method
from rayx.api import (
    Context,
    available_resources,
    cluster_resources,
    error_info,
    init,
    is_initialized,
    shutdown,
)
from rayx.cancellation import cancel, cancel_all
from rayx.completion import as_completed
from rayx.errors import (
    ActorDiedError,
    AlreadyInitializedError,
    ControlPlaneUnavailableError,
    DeadlockError,
    ForkedProcessError,
    GetTimeoutError,
    InfeasibleError,
    InvalidArgumentError,
    NodeDiedError,
    NotInitializedError,
    NotYetError,
    ObjectLostError,
    ObjectStoreFullError,
    RayxError,
    SerializationError,
    StartError,
    TaskCancelledError,
    TaskError,
    TaskTimeoutError,
    WorkerCrashedError,
    WorkerStartError,
)
from rayx.gpus import get_gpu_ids
from rayx.mapping import map
from rayx.object_stream import ObjectStream
from rayx.objects import get, put, wait
from rayx.progress_bar import progress
from rayx.remote_function import RemoteFunction, remote
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE
from rayx.worker_setup import run_on_all_workers

if TYPE_CHECKING:
    from rayx.error_records import ErrorInfo

    __version__: str

ObjectRef = ObjectID

__all__ = [
    "PYTHON_MODE",
    "SCRIPT_MODE",
    "SILENT_MODE",
    "Actor",
    "ActorClass",
    "ActorDiedError",
    "ActorHandle",
    "ActorMethod",
    "AlreadyInitializedError",
    "Context",
    "ControlPlaneUnavailableError",
    "DeadlockError",
    "ErrorInfo",
    "ForkedProcessError",
    "GetTimeoutError",
    "InfeasibleError",
    "InvalidArgumentError",
    "NodeDiedError",
    "NotInitializedError",
    "NotYetError",
    "ObjectID",
    "ObjectLostError",
    "ObjectRef",
    "ObjectStoreFullError",
    "ObjectStream",
    "RayxError",
    "RemoteFunction",
    "SerializationError",
    "StartError",
    "TaskCancelledError",
    "TaskError",
    "TaskTimeoutError",
    "WorkerCrashedError",
    "WorkerStartError",
    "as_completed",
    "available_resources",
    "cancel",
    "cancel_all",
    "cluster_resources",
    "error_info",
    "get",
    "get_actor",
    "get_gpu_ids",
    "init",
    "is_initialized",
    "kill",
    "map",
    "method",
    "progress",
    "put",
    "remote",
    "run_on_all_workers",
    "shutdown",
    "wait",
]


def __getattr__(name: str) -> Any:
    """What few ask for, and what is slow to import.

    What other libraries have under a name is told in the error.
    """
    if name == "ErrorInfo":
        from rayx.error_records import ErrorInfo

        return ErrorInfo
    if name == "__version__":  # of pyproject.toml, which alone has it
        from importlib.metadata import version

        return version("rayx")
    from rayx import words

    raise AttributeError(
        f"module 'rayx' has no attribute '{name}'{words.advice(words.MODULE, name)}",
        name=name,
        obj=sys.modules[__name__],
    )


def __dir__() -> list[str]:
    """What is for users; the modules behind it can be imported all the same."""
    return sorted(["__doc__", "__file__", "__name__", "__path__", "__version__", *__all__])
