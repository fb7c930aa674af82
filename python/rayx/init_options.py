"""The arguments of `rayx.init`, checked and completed.

>>> InitOptions.checked(num_cpus=2).num_workers
2
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from rayx import errors, machine, resources
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE

_STORE_BYTES_MIN = 1 << 20
_WORKERS_MAX = 4096  # limits::kWorkersMax of the node
_SHARDS_MAX = 64
# Of the memory limit; the rest is for the processes themselves.
_STORE_SHARE = 3


class InitOptions(NamedTuple):
    """What `rayx.init` was asked for, every default filled in."""

    object_id_seed: int | None
    num_workers: int
    driver_mode: int
    redirect_output: bool
    num_cpus: float
    num_gpus: float
    redis_shards: int
    resources: dict[str, float]
    object_store_bytes: int

    @classmethod
    def checked(
        cls,
        *,
        redis_address: Any = None,
        node_ip_address: Any = None,
        object_id_seed: Any = None,
        num_workers: Any = None,
        driver_mode: Any = SCRIPT_MODE,
        redirect_output: Any = False,
        num_cpus: Any = None,
        num_gpus: Any = None,
        num_redis_shards: Any = None,
        resources: Any = None,
        object_store_memory: Any = None,
    ) -> InitOptions:
        """TypeError or ValueError for what has no meaning, NotYetError for what will have."""
        _refuse_clusters(redis_address, node_ip_address)
        if not isinstance(redirect_output, bool):
            raise TypeError(f"redirect_output must be True or False, not {redirect_output!r}")
        if object_id_seed is not None:
            _whole("object_id_seed", object_id_seed, 0, (1 << 64) - 1)
        cpus = float(machine.cpu_count())
        if num_cpus is not None:
            cpus = _amount("num_cpus", num_cpus)
        workers = min(math.ceil(cpus), _WORKERS_MAX)
        if num_workers is not None:
            workers = _whole("num_workers", num_workers, 0, _WORKERS_MAX)
        shards = 1
        if num_redis_shards is not None:
            shards = _whole("num_redis_shards", num_redis_shards, 1, _SHARDS_MAX)
        return cls(
            object_id_seed=object_id_seed,
            num_workers=workers,
            driver_mode=_mode(driver_mode),
            redirect_output=redirect_output,
            num_cpus=cpus,
            num_gpus=0.0 if num_gpus is None else _amount("num_gpus", num_gpus),
            redis_shards=shards,
            resources=_custom(resources),
            object_store_bytes=_store_bytes(object_store_memory),
        )


# The parameter `resources` hides the module of that name.
_amount = resources.amount
_custom = resources.custom


def _refuse_clusters(redis_address: Any, node_ip_address: Any) -> None:
    for name, value in (("redis_address", redis_address), ("node_ip_address", node_ip_address)):
        if value is None:
            continue
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, not {value!r} of {type(value).__name__}")
        raise errors.NotYetError(
            f"{name}={value!r} needs several machines, which this version cannot use yet. "
            f"Leave {name} out for a session on this machine."
        )


def _mode(driver_mode: Any) -> int:
    if driver_mode == PYTHON_MODE and not isinstance(driver_mode, bool):
        raise errors.NotYetError(
            "driver_mode=PYTHON_MODE (tasks run at once, in this process) is not there yet; "
            "use SCRIPT_MODE or SILENT_MODE"
        )
    if isinstance(driver_mode, bool) or driver_mode not in (SCRIPT_MODE, SILENT_MODE):
        raise ValueError(
            f"driver_mode must be rayx.SCRIPT_MODE or rayx.SILENT_MODE, not {driver_mode!r}"
        )
    return int(driver_mode)


def _store_bytes(object_store_memory: Any) -> int:
    total = machine.memory_bytes()
    if object_store_memory is None:
        return max(_STORE_BYTES_MIN, total // _STORE_SHARE)
    asked = _whole("object_store_memory", object_store_memory, _STORE_BYTES_MIN, 1 << 62)
    if asked > total:
        raise ValueError(
            f"object_store_memory={asked:,} is more than the {total:,} bytes of memory that this "
            "process may use"
        )
    return asked


def _whole(name: str, value: Any, smallest: int, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r} of {type(value).__name__}")
    if not smallest <= value <= largest:
        raise ValueError(f"{name} must be between {smallest:,} and {largest:,}, not {value:,}")
    return value
