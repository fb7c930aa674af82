"""The arguments of `rayx.init`, checked and completed.

>>> InitOptions.checked(num_cpus=2).num_workers
2
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from rayx._raylet import WORKERS_MAX
from rayx.launch import machine, process_limits
from rayx.records import host_port
from rayx.records.host_port import LOOPBACK
from rayx.session import PYTHON_MODE, SCRIPT_MODE, SILENT_MODE
from rayx.text import resources
from rayx.text.quantities import whole
from rayx.text.value_text import shown, type_name

#: The variable of the environment that names the session to join where the program names none:
#: `rayx run` sets it.
ADDRESS_VARIABLE = "RAYX_REDIS_ADDRESS"
#: The same of the directory whose files go to other machines.
WORKING_DIR_VARIABLE = "RAYX_WORKING_DIR"

_STORE_BYTES_MIN = 1 << 20
_SHARDS_MAX = 64
# The store gets one part in so many of the memory limit; the rest is for the processes themselves.
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
    preload: tuple[str, ...] = ()
    #: The address of the session to join; None begins a new one.
    redis_address: str | None = None
    #: Of this machine's node. Empty: of the session to join, the one that there is.
    node_ip_address: str = LOOPBACK
    #: Advice is printed.
    hints: bool = True
    #: Whose files workers on other machines are given.
    working_dir: str | None = None

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
        preload: Any = None,
        hints: Any = True,
        working_dir: Any = None,
    ) -> InitOptions:
        """TypeError or ValueError for what has no meaning.

        With `redis_address`, what describes a session's processes has its default and no meaning.
        """
        given = {
            "num_workers": num_workers,
            "num_redis_shards": num_redis_shards,
            "redirect_output": redirect_output or None,
            "num_cpus": num_cpus,
            "num_gpus": num_gpus,
            "resources": resources,
            "object_store_memory": object_store_memory,
            "preload": preload,
        }
        mode = _mode(driver_mode)
        _refuse_combinations(
            mode, {"redis_address": redis_address, "node_ip_address": node_ip_address}, given
        )
        for name, value in {"redirect_output": redirect_output, "hints": hints}.items():
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be True or False, not {shown(value)}")
        if object_id_seed is not None:
            if redis_address is not None:
                raise ValueError(
                    "object_id_seed cannot be given together with redis_address: drivers of one "
                    "session with the same seed would take each other's results for their own"
                )
            object_id_seed = whole("object_id_seed", object_id_seed, 0, (1 << 64) - 1)
        cpus = float(machine.cpu_count())
        if num_cpus is not None:
            cpus = _amount("num_cpus", num_cpus)
        workers = min(math.ceil(cpus), WORKERS_MAX)
        if num_workers is not None:
            workers = whole("num_workers", num_workers, 0, WORKERS_MAX)
        shards = 1 if num_redis_shards is None else num_redis_shards
        shards = whole("num_redis_shards", shards, 1, _SHARDS_MAX)
        return cls(
            object_id_seed=object_id_seed,
            num_workers=workers,
            driver_mode=mode,
            redirect_output=redirect_output,
            num_cpus=cpus,
            num_gpus=0.0 if num_gpus is None else _gpus(num_gpus),
            redis_shards=shards,
            resources=_custom(resources),
            object_store_bytes=_store_bytes(object_store_memory),
            preload=_modules(preload),
            redis_address=_address_to_join(redis_address),
            node_ip_address=_own_address(node_ip_address, redis_address),
            hints=hints,
            working_dir=_directory(working_dir),
        )


# What describes the processes of a session that begins.
_OF_SESSIONS = (
    "num_workers",
    "num_redis_shards",
    "redirect_output",
    "num_cpus",
    "num_gpus",
    "resources",
    "object_store_memory",
    "preload",
)


def with_address(
    given: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Arguments of `rayx.init`, with the session that the environment names, if they name none.

    Also the names of those that have no meaning then: the session is there already, and has what
    whoever started it has said. A program is the same with `rayx run` and without. ValueError if
    the variable names no session.

    >>> with_address({"redis_address": None, "num_cpus": 2, "hints": True},
    ...              {"RAYX_REDIS_ADDRESS": "192.0.2.7:6379"})
    ({'redis_address': '192.0.2.7:6379', 'num_cpus': None, 'hints': True}, ['num_cpus'])
    """
    told = environment.get(ADDRESS_VARIABLE, "")
    is_named = given.get("redis_address") is not None
    if not told or is_named or given.get("driver_mode") == PYTHON_MODE:
        return dict(given), []
    ignored = [name for name in _OF_SESSIONS if given.get(name) not in (None, False)]
    defaults: dict[str, Any] = dict.fromkeys(ignored)
    if "redirect_output" in ignored:
        defaults["redirect_output"] = False
    if given.get("working_dir") is None and environment.get(WORKING_DIR_VARIABLE):
        defaults["working_dir"] = environment[WORKING_DIR_VARIABLE]
    return (
        {**given, "redis_address": session_address(ADDRESS_VARIABLE, told), **defaults},
        ignored,
    )


# The parameter `resources` hides the module of that name.
_amount = resources.amount
_custom = resources.custom


# In PYTHON_MODE there are no processes, so that these have nothing to act on.
_OF_PROCESSES = ("num_workers", "num_redis_shards", "redirect_output")


def _refuse_combinations(
    mode: int, of_clusters: dict[str, Any], of_sessions: dict[str, Any]
) -> None:
    cluster = next((name for name, value in of_clusters.items() if value is not None), None)
    given = [name for name, value in of_sessions.items() if value is not None]
    if mode == PYTHON_MODE:
        named = [name for name in given if name in _OF_PROCESSES]
        if cluster or named:
            raise ValueError(
                f"{cluster or named[0]} cannot be given together with driver_mode=PYTHON_MODE, in "
                "which everything runs in this process"
            )
    elif of_clusters["redis_address"] is not None and given:
        raise ValueError(
            f"{given[0]} cannot be given together with redis_address: what the session has was "
            "said when it was started"
        )


def _address_to_join(redis_address: Any) -> str | None:
    return None if redis_address is None else session_address("redis_address", redis_address)


def session_address(name: str, given: Any) -> str:
    """Of a session: "unix:/…", or the "HOST:PORT" of its head.

    `name`: of the argument, for errors.
    """
    _text(name, given)
    if given.removeprefix("unix:").startswith("/"):
        return str(given)
    parsed = host_port.parse(given)
    if parsed is None or parsed.host == "unix":
        brackets = ""
        if given.count(":") > 1 and not given.startswith("["):
            brackets = ", with IPv6 addresses in brackets as in '[2001:db8::7]:6379'"
        raise ValueError(
            f"{name}={given!r} is no address of a session: give what `rayx start --head` has "
            f"printed, such as '127.0.0.1:6379'{brackets}, or what rayx.init() has returned as "
            "'redis_address', or leave it out for a session of this program"
        )
    return str(parsed)


def _own_address(node_ip_address: Any, redis_address: Any) -> str:
    if node_ip_address is None:
        return LOOPBACK if redis_address is None else ""
    _text("node_ip_address", node_ip_address)
    address = host_port.parse_host(node_ip_address)
    if address == LOOPBACK:
        return LOOPBACK
    known = machine.addresses()
    if address in known:
        return address
    raise ValueError(
        f"node_ip_address={node_ip_address!r} is no address of this machine, whose node it is to "
        f"be: it has {', '.join(known)}"
    )


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {shown(value)} of {type_name(value)}")


def _directory(working_dir: Any) -> str | None:
    if working_dir is None:
        return None
    if not isinstance(working_dir, str | os.PathLike) or isinstance(os.fspath(working_dir), bytes):
        raise TypeError(
            f"working_dir must be the path of a directory such as '.', not {shown(working_dir)} of "
            f"type {type_name(working_dir)}"
        )
    path = os.fspath(working_dir)
    if not os.path.isdir(path):
        raise ValueError(f"working_dir={shown(path)} is not a directory")
    return os.path.realpath(path)


def _mode(driver_mode: Any) -> int:
    known = (SCRIPT_MODE, SILENT_MODE, PYTHON_MODE)
    if isinstance(driver_mode, bool) or driver_mode not in known:
        raise ValueError(
            "driver_mode must be rayx.SCRIPT_MODE, rayx.SILENT_MODE or rayx.PYTHON_MODE, "
            f"not {shown(driver_mode)}"
        )
    return int(driver_mode)


def _gpus(num_gpus: Any) -> float:
    count = _amount("num_gpus", num_gpus)
    if not count.is_integer():
        raise ValueError(
            f"num_gpus must be a whole number, not {shown(num_gpus)}: tasks may ask for shares of "
            "a GPU, but a machine has whole ones"
        )
    return count


def _modules(preload: Any) -> tuple[str, ...]:
    if preload is None:
        return ()
    if not isinstance(preload, list | tuple):
        raise TypeError(
            "preload must be a list of the names of modules such as ['numpy'], "
            f"not {shown(preload)} of type {type_name(preload)}"
        )
    for name in preload:
        if not isinstance(name, str):
            raise TypeError(
                f"preload must hold names of modules, not {shown(name)} of type {type_name(name)}"
            )
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"preload: {name!r} is not the name of a module")
    return tuple(dict.fromkeys(preload))


def _store_bytes(object_store_memory: Any) -> int:
    total = machine.memory_bytes()
    if object_store_memory is None:
        wanted = process_limits.default_store_bytes(total // _STORE_SHARE)
        return max(_STORE_BYTES_MIN, wanted)
    asked = whole("object_store_memory", object_store_memory, _STORE_BYTES_MIN, 1 << 62)
    if asked > total:
        raise ValueError(
            f"object_store_memory={asked:,} is more than the {total:,} bytes of memory that this "
            "process may use"
        )
    return asked
