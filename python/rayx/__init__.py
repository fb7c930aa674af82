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

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any

from rayx import object_hooks
from rayx._raylet import ObjectID
from rayx.actor import Actor, ActorClass, get_actor, kill
from rayx.actor_handle import ActorHandle, ActorMethod
from rayx.actor_options import method
from rayx.api import Context, init, is_initialized, shutdown
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
from rayx.object_stream import ObjectStream
from rayx.objects import get, put, wait
from rayx.queries import available_resources, cluster_resources, error_info
from rayx.remote_function import RemoteFunction, remote
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE

if TYPE_CHECKING:
    from rayx.cancellation import cancel, cancel_all
    from rayx.completion import as_completed
    from rayx.error_records import ErrorInfo
    from rayx.gpus import get_gpu_ids
    from rayx.mapping import map
    from rayx.progress_bar import progress
    from rayx.worker_setup import run_on_all_workers

    __version__: str

object_hooks.install()

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


# What not every program uses, and where it is: imported when it is asked for first.
_LATER = {
    "ErrorInfo": "error_records",
    "as_completed": "completion",
    "cancel": "cancellation",
    "cancel_all": "cancellation",
    "get_gpu_ids": "gpus",
    "map": "mapping",
    "progress": "progress_bar",
    "run_on_all_workers": "worker_setup",
}


def __getattr__(name: str) -> Any:
    """What is imported late, or an error that tells what other libraries have under the name."""
    if name in _LATER:
        module = importlib.import_module(f"rayx.{_LATER[name]}")
        found = globals()[name] = getattr(module, name)  # so that this is asked once
        return found
    if name == "__version__":  # pyproject.toml alone has it
        return importlib.import_module("importlib.metadata").version("rayx")
    if name == "experimental":  # needs numpy, which rayx does not
        return importlib.import_module("rayx.experimental")
    # `from rayx import …` asks so too, before it looks for a module of the name. Of an
    # AttributeError it would tell nothing.
    is_import = sys._getframe(1).f_code.co_name == "_handle_fromlist"
    if is_import:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(f"rayx.{name}")
    words = importlib.import_module("rayx.words")
    advice = words.advice(words.MODULE, name)
    if is_import and advice:
        raise ImportError(f"cannot import name '{name}' from 'rayx'{advice}", name="rayx")
    raise AttributeError(
        f"module 'rayx' has no attribute '{name}'{advice}", name=name, obj=sys.modules[__name__]
    )


def __dir__() -> list[str]:
    """What is for users; the modules behind it can be imported all the same."""
    return sorted(["__doc__", "__file__", "__name__", "__path__", "__version__", *__all__])
