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

from rayx._raylet import ObjectID
from rayx.calls.remote_function import RemoteFunction, remote
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
from rayx.results.objects import get, put, wait
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE
from rayx.waiting import object_hooks

if TYPE_CHECKING:
    from rayx import services as services
    from rayx import state as state
    from rayx.calls.actor import Actor, ActorClass, get_actor, kill
    from rayx.calls.actor_handle import ActorHandle, ActorMethod
    from rayx.calls.actor_options import method
    from rayx.calls.worker_setup import run_on_all_workers
    from rayx.error_records import ErrorInfo
    from rayx.launch.api import Context, init, is_initialized, shutdown
    from rayx.process.gpus import get_gpu_ids
    from rayx.queries import (
        available_resources,
        cluster_resources,
        error_info,
        get_node_ip_address,
        nodes,
    )
    from rayx.records.node_info import NodeInfo
    from rayx.results.cancellation import cancel, cancel_all
    from rayx.results.completion import as_completed
    from rayx.results.mapping import map
    from rayx.results.progress_bar import progress
    from rayx.waiting.object_stream import ObjectStream

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
    "NodeInfo",
    "NotInitializedError",
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
    "get_node_ip_address",
    "init",
    "is_initialized",
    "kill",
    "map",
    "method",
    "nodes",
    "progress",
    "put",
    "remote",
    "run_on_all_workers",
    "shutdown",
    "wait",
]


# What not every program uses, and where it is: imported when it is asked for first, since each
# module costs the import of rayx a tenth of a millisecond and more. Workers do not begin sessions.
_LATER = {
    "Actor": "calls.actor",
    "ActorClass": "calls.actor",
    "ActorHandle": "calls.actor_handle",
    "ActorMethod": "calls.actor_handle",
    "Context": "launch.api",
    "ErrorInfo": "error_records",
    "ObjectStream": "waiting.object_stream",
    "NodeInfo": "records.node_info",
    "as_completed": "results.completion",
    "available_resources": "queries",
    "cancel": "results.cancellation",
    "cancel_all": "results.cancellation",
    "cluster_resources": "queries",
    "error_info": "queries",
    "get_actor": "calls.actor",
    "get_gpu_ids": "process.gpus",
    "get_node_ip_address": "queries",
    "init": "launch.api",
    "is_initialized": "launch.api",
    "kill": "calls.actor",
    "map": "results.mapping",
    "method": "calls.actor_options",
    "nodes": "queries",
    "progress": "results.progress_bar",
    "run_on_all_workers": "calls.worker_setup",
    "shutdown": "launch.api",
}


def __getattr__(name: str) -> Any:
    """What is imported late, or an error that tells what other libraries have under the name."""
    if name in _LATER:
        module = importlib.import_module(f"rayx.{_LATER[name]}")
        found = globals()[name] = getattr(module, name)  # so that this is asked once
        return found
    if name == "__version__":  # pyproject.toml alone has it
        return importlib.import_module("importlib.metadata").version("rayx")
    # experimental needs numpy, which rayx does not
    if name in ("cluster", "experimental", "services", "state"):
        return importlib.import_module(f"rayx.{name}")
    # `from rayx import …` asks so too, before it looks for a module of the name. Of an
    # AttributeError it would tell nothing.
    is_import = sys._getframe(1).f_code.co_name == "_handle_fromlist"
    if is_import:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(f"rayx.{name}")
    words = importlib.import_module("rayx.text.words")
    advice = words.advice(words.MODULE, name)
    if is_import and advice:
        raise ImportError(f"cannot import name '{name}' from 'rayx'{advice}", name="rayx")
    raise AttributeError(
        f"module 'rayx' has no attribute '{name}'{advice}", name=name, obj=sys.modules[__name__]
    )


def __dir__() -> list[str]:
    """What is for users; the modules behind it can be imported all the same."""
    return sorted(["__doc__", "__file__", "__name__", "__path__", "__version__", *__all__])
