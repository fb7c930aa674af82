"""Words of Ray, Dask, joblib and the standard library, and what to write here in their place.

Each table is of one place where such words are met. What means the same is taken
(`call_options.accepted`); the rest is refused with advice. This module is imported when there is
something to refuse.

>>> refuse("rayx.wait", {"fetch_local": True}, WAIT)
Traceback (most recent call last):
TypeError: rayx.wait has no argument 'fetch_local': all objects are on this machine; leave it out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Table = Mapping[str, str]

# ---- sentences that several tables have ----------------------------------------------------------

_LEAVE_OUT = "it has no meaning here; leave it out"
_NO_DASHBOARD = (
    "there is no dashboard; rayx.available_resources(), rayx.error_info() and rayx.progress(ids) "
    "tell how things are"
)
_ONE_MACHINE = "a session is on one machine, so there is nothing to choose; leave it out"
_NAMES = "the names of actors are each driver's own; leave it out"
_ENVIRONMENT = (
    "workers have the environment, the working directory and the import path of the driver: set "
    "them before rayx.init(); working_dir=… gives its files to other machines"
)
_LOGGING = "set up the module logging itself"
_START = "rayx.init(num_cpus=…) starts the workers, and rayx.shutdown() ends them"
_NODES = "rayx.cluster.Cluster(nodes=…) is several nodes on this machine, for tests"
_CALL = "rayx.remote(f).remote(x) begins a call, and returns its ObjectID"
_MAP = "list(rayx.map(rayx.remote(f), xs)) has the values of f(x) for each x"
_GET = "rayx.get(ids) has the values"
_PUT = "rayx.put(value) stores a value for all tasks, and returns its ObjectID"
_RESOURCES = "name what a task needs, rayx.init(resources={'big': 1}), @rayx.remote(resources=…)"
_NOT_RETRIED = (
    "exceptions are not retried, only tasks whose worker has died (max_retries): catch them in the "
    "function"
)
_CPUS = "rayx.init(num_cpus=…) says how many tasks of one CPU run at a time"
_NO_PART = "rayx has tasks, actors and objects, and no libraries for"

# ---- the tables ----------------------------------------------------------------------------------

#: Names looked for in the module `rayx`.
MODULE: Final[Table] = {
    "util": "of ray.util, ActorPool is rayx.map(actor.method, xs), and inspect_serializability is "
    "done by every SerializationError, which names the path to what cannot be pickled",
    "ActorPool": "rayx.map(actor.method, xs) calls one actor, rayx.map(rayx.remote(f), xs) uses "
    "all workers",
    "timeline": "no timeline is recorded; rayx.error_info() lists failures, and rayx.progress(ids) "
    "shows how far tasks are",
    "exceptions": "the errors are in rayx itself: rayx.TaskError, rayx.GetTimeoutError, …",
    "get_runtime_context": "rayx.get_gpu_ids() has the task's GPUs, and os.getpid() its worker",
    "get_tpu_ids": _RESOURCES,
    "ObjectRefGenerator": "rayx.ObjectStream",
    "DynamicObjectRefGenerator": "rayx.ObjectStream",
    "Future": "rayx.ObjectID; object_id.future() is a concurrent.futures.Future of it",
    "LOCAL_MODE": "rayx.PYTHON_MODE",
    "WORKER_MODE": "workers are started by rayx alone",
    "connect": "rayx.init(redis_address=info['redis_address']) joins a session",
    "disconnect": "rayx.shutdown()",
    "client": _START,
    "Client": _START,
    "LocalCluster": _NODES,
    "Cluster": _NODES,
    "Pool": f"{_START}; {_MAP}",
    "ProcessPoolExecutor": f"{_START}; {_MAP}",
    "ThreadPoolExecutor": f"{_START}; {_MAP}",
    "Executor": f"{_START}; {_MAP}",
    "delayed": f"nothing is put off: {_CALL}",
    "Parallel": _MAP,
    "submit": _CALL,
    "apply": _CALL,
    "apply_async": _CALL,
    "starmap": "rayx.map(rayx.remote(f), xs, ys) has the values of f(x, y)",
    "imap": f"rayx.map is lazy: {_MAP}",
    "imap_unordered": "rayx.map(rayx.remote(f), xs, ordered=False)",
    "gather": _GET,
    "compute": _GET,
    "persist": _PUT,
    "scatter": _PUT,
    "register_serializer": "give the class a __reduce__, or use copyreg.pickle",
    "register_custom_serializer": "give the class a __reduce__, or use copyreg.pickle",
    "exit_actor": "rayx.kill(handle) ends an actor, and so does the end of its last handle",
    "show_in_dashboard": _NO_DASHBOARD,
    "get_dashboard_url": _NO_DASHBOARD,
    "get_webui_url": _NO_DASHBOARD,
    "global_state": "rayx.state lists what there is; rayx.cluster_resources(), rayx.error_info()",
    **dict.fromkeys(("data", "train", "tune", "rllib", "serve", "air"), f"{_NO_PART} that"),
    **dict.fromkeys(("workflow", "dag", "autoscaler"), f"{_NO_PART} that"),
}

#: Arguments of `rayx.init`.
INIT: Final[Table] = {
    "address": "without it, a session begins on this machine; redis_address=info['redis_address'] "
    "joins one, where info is what the init of the program that has started it has returned",
    "local_mode": "driver_mode=rayx.PYTHON_MODE runs every task in this process",
    "log_to_driver": "what tasks print is always printed here; driver_mode=rayx.SILENT_MODE leaves "
    "out the errors of tasks",
    "logging_level": _LOGGING,
    "logging_format": _LOGGING,
    "logging_config": _LOGGING,
    "configure_logging": _LOGGING,
    "namespace": _NAMES,
    "runtime_env": _ENVIRONMENT,
    "job_config": _ENVIRONMENT,
    "_temp_dir": "the session's directory is made in TMPDIR, or else in /tmp",
    "_system_config": _LEAVE_OUT,
    "_memory": "tasks are not bound to an amount of memory; object_store_memory bounds the objects",
    "memory": "tasks are not bound to an amount of memory; object_store_memory bounds the objects",
    "memory_limit": "object_store_memory bounds the objects; tasks are not bound",
    "redis_password": "nobody but this user can reach a session; leave it out",
    "_redis_password": "nobody but this user can reach a session; leave it out",
    "redis_max_memory": _LEAVE_OUT,
    "plasma_directory": "objects are in memory that has no name; leave it out",
    "huge_pages": _LEAVE_OUT,
    "storage": _LEAVE_OUT,
    "labels": _ONE_MACHINE,
    "num_local_schedulers": _ONE_MACHINE,
    "start_ray_local": "a session begins on this machine anyway; leave it out",
    **dict.fromkeys(
        ("include_dashboard", "dashboard_host", "dashboard_port", "dashboard_address"),
        _NO_DASHBOARD,
    ),
    "include_webui": _NO_DASHBOARD,
    "n_workers": "num_cpus=… says how many tasks of one CPU run at a time",
    "max_workers": "num_cpus=… says how many tasks of one CPU run at a time",
    "processes": "num_cpus=… says how many tasks of one CPU run at a time",
    "n_jobs": "num_cpus=… says how many tasks of one CPU run at a time",
    "threads_per_worker": "the libraries of a task have as many threads as it has CPUs, "
    "@rayx.remote(num_cpus=…)",
    "initializer": "rayx.run_on_all_workers(function) runs it once in each worker",
}

#: Options that neither functions nor classes have.
REMOTE: Final[Table] = {
    "runtime_env": _ENVIRONMENT,
    "memory": "tasks and actors are not bound to an amount of memory: " + _RESOURCES,
    "object_store_memory": "rayx.init(object_store_memory=…)",
    "scheduling_strategy": _ONE_MACHINE,
    "placement_group": _ONE_MACHINE,
    "placement_group_bundle_index": _ONE_MACHINE,
    "placement_group_capture_child_tasks": _ONE_MACHINE,
    "label_selector": _ONE_MACHINE,
    "fallback_strategy": _ONE_MACHINE,
    "workers": _ONE_MACHINE,
    "accelerator_type": _RESOURCES,
    "namespace": _NAMES,
    "enable_task_events": _LEAVE_OUT,
    "_metadata": "name='…' is shown for the task",
    "_labels": "name='…' is shown for the task",
}

#: Options of functions.
FUNCTION_OPTIONS: Final[Table] = {
    **REMOTE,
    "max_restarts": "a function has max_retries",
    "max_task_retries": "a function has max_retries",
    "retries": "a function has max_retries",
    "max_concurrency": "tasks run side by side as far as there are CPUs",
    "retry_exceptions": _NOT_RETRIED,
    "max_calls": "workers are kept for the next task; a class with one method, made and dropped "
    "for each call, has a process of its own",
    "nout": "a function has num_return_vals",
    "pure": "equal calls are run again; leave it out",
    "key": "name='…' is shown for the task",
    "n_jobs": _CPUS,
}

#: Options of classes.
CLASS_OPTIONS: Final[Table] = {
    **REMOTE,
    "max_retries": "an actor has max_restarts",
    "max_task_retries": "calls that had begun when an actor's process died are not repeated; those "
    "that had not, run after its restart (max_restarts)",
    "num_return_vals": "put @rayx.method(num_return_vals=…) on the method, or use "
    "handle.method.options(num_return_vals=…)",
    "timeout": "use handle.method.options(timeout=…)",
    "priority": "an actor's calls run in the order in which they were made",
    "lifetime": "an actor with a name lives until rayx.kill or the end of its driver, even without "
    "a handle; none outlives its driver. Give it a name, and leave lifetime out",
    "get_if_exists": "try rayx.get_actor(name), which raises ValueError if there is none",
    "concurrency_groups": "max_concurrency is that of all methods together",
    "max_pending_calls": "calls are queued without a limit; leave it out",
    "allow_out_of_order_execution": "calls begin in the order of submission; leave it out",
    "max_calls": _LEAVE_OUT,
}

#: Options of an actor's methods.
METHOD_OPTIONS: Final[Table] = {
    "concurrency_group": "max_concurrency is that of all methods together",
    "retry_exceptions": _NOT_RETRIED,
    "max_task_retries": CLASS_OPTIONS["max_task_retries"],
    "max_retries": CLASS_OPTIONS["max_task_retries"],
    "priority": CLASS_OPTIONS["priority"],
    "enable_task_events": _LEAVE_OUT,
    **dict.fromkeys(
        ("num_cpus", "num_gpus", "resources", "memory"),
        "resources belong to the actor; give them to rayx.remote",
    ),
    **dict.fromkeys(
        ("max_restarts", "max_concurrency", "save_every"),
        "it belongs to the actor; give it to rayx.remote",
    ),
}

#: What options are given to, as messages name it, and what is known of words that are none.
_OPTIONS_OF: Final[dict[str, tuple[str, Table]]] = {
    "function": ("rayx.remote on a function", FUNCTION_OPTIONS),
    "class": ("rayx.remote on a class", CLASS_OPTIONS),
    "method": ("a method of an actor", METHOD_OPTIONS),
}

#: Arguments of `rayx.wait`.
WAIT: Final[Table] = {
    "fetch_local": "all objects are on this machine; leave it out",
    "return_when": "num_returns=1 waits for the first one, num_returns=len(ids) for all",
}

#: Arguments of `rayx.map`.
MAP: Final[Table] = {
    "timeout": "f.options(timeout=seconds) limits the time of each call",
    "batch_size": "chunksize=… is the number of calls in a task",
    "buffersize": "max_in_flight=… is the number of calls under way",
    "pre_dispatch": "max_in_flight=… is the number of calls under way",
    **dict.fromkeys(("n_jobs", "max_workers", "processes"), _CPUS),
}

#: Arguments of `rayx.progress`.
PROGRESS: Final[Table] = {
    "desc": "description='…'",
    "total": "the number of ids is the total; leave it out",
}

#: Arguments of `rayx.cancel`.
CANCEL: Final[Table] = {
    "recursive": "the tasks that a task has submitted are its own: cancel them where they were "
    "submitted",
}

#: Arguments of `rayx.kill`.
KILL: Final[Table] = {"no_restart": "an actor that is killed is never restarted; leave it out"}

#: Attributes of what `rayx.init` returns.
CONTEXT: Final[Table] = {
    "submit": _CALL,
    "map": _MAP,
    "gather": _GET,
    "compute": _GET,
    "get": _GET,
    "scatter": _PUT,
    "persist": _PUT,
    "put": _PUT,
    "wait": "rayx.wait(ids)",
    "cancel": "rayx.cancel(object_id)",
    "close": "rayx.shutdown()",
    "shutdown": "rayx.shutdown()",
    "disconnect": "rayx.shutdown()",
    "run": "rayx.run_on_all_workers(function)",
    "address_info": "it is a dictionary of the addresses itself",
    "ncores": "rayx.cluster_resources()",
    "nthreads": "rayx.cluster_resources()",
    "dashboard_url": _NO_DASHBOARD,
    "dashboard_link": _NO_DASHBOARD,
}

#: Attributes of remote functions.
FUNCTION: Final[Table] = {
    **dict.fromkeys(("submit", "delay", "apply_async", "bind", "s"), "use .remote(…)"),
    "map": "rayx.map(f, xs)",
    "starmap": "rayx.map(f, xs, ys)",
}

# ---- what is done with them ----------------------------------------------------------------------


def advice(table: Table, name: str, known: Sequence[str] = ()) -> str:
    """What to write for `name`, behind a colon; or a question, if one of `known` is meant."""
    if name in table:
        return f": {table[name]}"
    return did_you_mean(name, known)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A question to be put at the end of an error about a name that is not `known`."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean '{close[0]}'?" if close else ""


def no_option(kind: str, name: str, known: Any) -> str:
    """What is wrong with an option of this name for a function, a class or a method.

    `known` is the NamedTuple of all options.
    """
    what, table = _OPTIONS_OF[kind]
    fields: Sequence[str] = known._fields
    if name in table:
        return f"{what} has no option '{name}': {table[name]}; it has {', '.join(fields)}"
    return f"{what} has no option '{name}'; it has {', '.join(fields)}{did_you_mean(name, fields)}"


def refuse(
    function: str, given: Mapping[str, Any], table: Table, known: Sequence[str] = ()
) -> None:
    """TypeError if arguments were given that the function does not have."""
    for name in given:
        raise TypeError(f"{function} has no argument '{name}'{advice(table, name, known)}")
