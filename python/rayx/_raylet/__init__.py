"""The compiled doorway to rayx's C++ client (`cpp/client`): it converts types, and raises.

It has a module for each noun, and all of them are in one library, so that the client is linked once
and they share its state. Python looks for a module in a file of its name; here it is told.
"""

import importlib.util
import sys
from importlib.machinery import ExtensionFileLoader

#: Each after those that it needs: C++ reaches from one into another as it is loaded.
_MODULES = (
    "status",
    "constants",
    "connection",
    "waiting",
    "ids",
    "lent",
    "buffers",
    "tasks",
    "completions",
    "questions",
    "client",
    "channels",
    "plain",
    "unraisable",
)


def _load() -> str:
    """Loads all modules; returns where their library is."""
    found = importlib.util.find_spec("rayx._raylet_library")
    if found is None or found.origin is None:
        raise ImportError(
            "rayx has no compiled library for this Python: install rayx again, or run `make build` "
            "in its sources",
            name=__name__,
        )
    for short_name in _MODULES:
        name = f"{__name__}.{short_name}"
        loader = ExtensionFileLoader(name, found.origin)
        spec = importlib.util.spec_from_file_location(name, found.origin, loader=loader)
        assert spec is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        globals()[short_name] = module
    return found.origin


#: The path of the compiled library.
LIBRARY = _load()

from rayx._raylet.buffers import ObjectBuffer, split_object
from rayx._raylet.channels import OutputChannel, TemplateChannel
from rayx._raylet.client import Client
from rayx._raylet.completions import Completions
from rayx._raylet.constants import (
    ACTOR_CONCURRENCY_MAX,
    DRIVER_END_MS,
    ERROR_ACTOR_DIED,
    ERROR_INFEASIBLE,
    ERROR_OBJECT_LOST,
    ERROR_OBJECT_STORE_FULL,
    ERROR_TASK_CANCELLED,
    ERROR_TASK_TIMED_OUT,
    ERROR_WORKER_CRASHED,
    ERROR_WORKER_START_FAILED,
    FUNCTION_BYTES_MAX,
    FUNCTION_INDEX,
    INLINE_OBJECT_BYTES_MAX,
    INTERRUPT_CANCELLED,
    INTERRUPT_TIMED_OUT,
    KIND_ACTOR_CALL,
    KIND_ACTOR_CREATION,
    KIND_BYTES,
    KIND_FUNCTION,
    KIND_PICKLE,
    KIND_SYSTEM_ERROR,
    KIND_TASK_ERROR,
    NAME_BYTES_MAX,
    PROCESS_MARK,
    PROTOCOL_VERSION,
    PUT_BIT,
    RESOURCE_MAX,
    RESOURCE_UNITS_PER_ONE,
    RETURNS_MAX,
    STREAM_CREDIT_BIT,
    TASK_ID_BYTES,
    WORKER_EXIT_MS,
    WORKERS_MAX,
)
from rayx._raylet.ids import (
    ObjectID,
    detached_object_id,
    first_foreign,
    first_repeated,
    set_object_id_hooks,
    set_waiting_hooks,
)
from rayx._raylet.plain import NOT_ONE_PICKLE, dump_plain, load_pickle
from rayx._raylet.status import RayletError
from rayx._raylet.tasks import DEFAULT_OPTIONS, RunnableTask, TaskTemplate
from rayx._raylet.unraisable import UnraisableHook
from rayx._raylet.waiting import set_long_wait_hook

__all__ = [
    "ACTOR_CONCURRENCY_MAX",
    "DEFAULT_OPTIONS",
    "DRIVER_END_MS",
    "ERROR_ACTOR_DIED",
    "ERROR_INFEASIBLE",
    "ERROR_OBJECT_LOST",
    "ERROR_OBJECT_STORE_FULL",
    "ERROR_TASK_CANCELLED",
    "ERROR_TASK_TIMED_OUT",
    "ERROR_WORKER_CRASHED",
    "ERROR_WORKER_START_FAILED",
    "FUNCTION_BYTES_MAX",
    "FUNCTION_INDEX",
    "INLINE_OBJECT_BYTES_MAX",
    "INTERRUPT_CANCELLED",
    "INTERRUPT_TIMED_OUT",
    "KIND_ACTOR_CALL",
    "KIND_ACTOR_CREATION",
    "KIND_BYTES",
    "KIND_FUNCTION",
    "KIND_PICKLE",
    "KIND_SYSTEM_ERROR",
    "KIND_TASK_ERROR",
    "LIBRARY",
    "NAME_BYTES_MAX",
    "NOT_ONE_PICKLE",
    "PROCESS_MARK",
    "PROTOCOL_VERSION",
    "PUT_BIT",
    "RESOURCE_MAX",
    "RESOURCE_UNITS_PER_ONE",
    "RETURNS_MAX",
    "STREAM_CREDIT_BIT",
    "TASK_ID_BYTES",
    "WORKERS_MAX",
    "WORKER_EXIT_MS",
    "Client",
    "Completions",
    "ObjectBuffer",
    "ObjectID",
    "OutputChannel",
    "RayletError",
    "RunnableTask",
    "TaskTemplate",
    "TemplateChannel",
    "UnraisableHook",
    "detached_object_id",
    "dump_plain",
    "first_foreign",
    "first_repeated",
    "load_pickle",
    "set_long_wait_hook",
    "set_object_id_hooks",
    "set_waiting_hooks",
    "split_object",
]
