"""Runs Python functions in parallel, and shares their results without copying.

>>> import rayx
>>> rayx.init()
>>> @rayx.remote
... def square(x):
...     return x * x
>>> rayx.get([square.remote(i) for i in range(4)])
[0, 1, 4, 9]
"""

from rayx._raylet import ObjectID
from rayx.api import (
    available_resources,
    cluster_resources,
    error_info,
    init,
    is_initialized,
    shutdown,
)
from rayx.errors import (
    ActorDiedError,
    AlreadyInitializedError,
    ControlPlaneUnavailableError,
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
    WorkerCrashedError,
    WorkerStartError,
)
from rayx.objects import get, put, wait
from rayx.remote_function import RemoteFunction, remote
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE

ObjectRef = ObjectID

__version__ = "0.1.0"

__all__ = [
    "PYTHON_MODE",
    "SCRIPT_MODE",
    "SILENT_MODE",
    "ActorDiedError",
    "AlreadyInitializedError",
    "ControlPlaneUnavailableError",
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
    "RayxError",
    "RemoteFunction",
    "SerializationError",
    "StartError",
    "TaskCancelledError",
    "TaskError",
    "WorkerCrashedError",
    "WorkerStartError",
    "available_resources",
    "cluster_resources",
    "error_info",
    "get",
    "init",
    "is_initialized",
    "put",
    "remote",
    "shutdown",
    "wait",
]
