"""Ray 2 under the name `rayx`, as far as the examples use it.

With the folder above this one on PYTHONPATH, `import rayx` finds this package, in the driver and in
Ray's workers; so the examples run on Ray as they are, to be compared. Only the words that differ
stand here; all else is Ray's own.
"""

import functools
from pathlib import Path

import ray
from ray import ObjectRef as ObjectID
from ray import cancel, get_actor, is_initialized, kill, method, put, shutdown

__all__ = [
    "ObjectID",
    "ObjectRef",
    "as_completed",
    "cancel",
    "cluster_resources",
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
    "shutdown",
    "wait",
]
ENGINE = f"Ray {ray.__version__}"
ObjectRef = ObjectID

# rayx.experimental is an ordinary program on these words, and is found where rayx's sources are.
__path__.append(str(Path(__file__).resolve().parents[4] / "python" / "rayx"))

_NAMES = {"num_return_vals": "num_returns"}
# What Ray has no word for, and no need of in these programs.
_DROPPED = ("timeout", "priority", "save_every")


def init(num_cpus=None, num_gpus=None, resources=None, object_store_memory=None, **others):
    """Starts Ray on this machine; joining is not compared."""
    if "redis_address" in others:
        raise NotImplementedError("the examples are compared in sessions of their own")
    return ray.init(
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        resources=resources,
        # Ray takes no less than 75 MB.
        object_store_memory=object_store_memory and max(object_store_memory, 80_000_000),
        include_dashboard=False,
        logging_level="ERROR",
    )


def remote(*given, **options):
    """As a decorator, with options or without."""
    if len(given) == 1 and not options:
        return _wrapped(given[0], {})
    return functools.partial(_wrapped, options=_translated(options))


def _wrapped(what, options):
    made = ray.remote(**options)(what) if options else ray.remote(what)
    return made if isinstance(what, type) else _Function(what, made)


class _Function:
    """A remote function with rayx's `function` and options."""

    def __init__(self, function, made):
        functools.update_wrapper(self, function)
        self.function = function
        self._made = made

    def remote(self, *args, **kwargs):
        return self._made.remote(*args, **kwargs)

    def options(self, **options):
        return _Function(self.function, self._made.options(**_translated(options)))


def _translated(options):
    found = {_NAMES.get(name, name): value for name, value in options.items()}
    if found.get("num_returns") == "stream":
        found["num_returns"] = "streaming"
    return {name: value for name, value in found.items() if name not in _DROPPED}


def get(ids, timeout=None):
    """Of one id, or of any iterable of ids."""
    return ray.get(ids if isinstance(ids, ObjectID) else list(ids), timeout=timeout)


def wait(ids, num_returns=1, timeout=None, timeout_s=None):
    """`timeout` in milliseconds, as in Ray 0.1.0."""
    if timeout_s is None and timeout is not None:
        timeout_s = timeout / 1000
    return ray.wait(list(ids), num_returns=num_returns, timeout=timeout_s)


def as_completed(ids, timeout=None):
    """Each id when it is there."""
    remaining = list(ids)
    while remaining:
        ready, remaining = ray.wait(remaining, timeout=timeout)
        yield from ready


def progress(ids, description=""):
    """Waits for all; without a bar."""
    waited = list(ids)
    ray.wait(waited, num_returns=len(waited))
    return waited


def map(function, *iterables, max_in_flight=None, ordered=True, chunksize=None):
    """Values in order, with a bounded number of calls at a time."""
    in_flight = max_in_flight or max(4, 2 * int(ray.cluster_resources()["CPU"]))
    running = []
    for arguments in zip(*iterables, strict=False):
        running.append(function.remote(*arguments))
        if len(running) >= in_flight:
            yield ray.get(running.pop(0))
    for one in running:
        yield ray.get(one)


def cluster_resources():
    """Ray has more entries than these."""
    return ray.cluster_resources()


def get_gpu_ids():
    """Whole numbers."""
    return [int(one) for one in ray.get_gpu_ids()]


def __getattr__(name):
    if name == "experimental":
        import importlib

        return importlib.import_module("rayx.experimental")
    return getattr(ray, name)
