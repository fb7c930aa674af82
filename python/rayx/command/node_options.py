"""The options that say what a node has, as those of `rayx.init`, which checks them.

>>> said_as_options("num_cpus must be a number: rayx.init", "rayx start")
'--num-cpus must be a number: rayx start'
"""

from __future__ import annotations

import json
import re
from argparse import Namespace
from typing import Any

from rayx.launch.init_options import InitOptions
from rayx.records.host_port import PORT_MAX
from rayx.text.quantities import whole
from rayx.text.spans import milliseconds_of
from rayx.text.value_text import shown

# Those that mean the same to `rayx.init`, where they are written with underscores. Not every
# command has all of them.
_NUMBERS = ("num_redis_shards", "num_cpus", "num_gpus", "num_workers", "object_store_memory")
_PORTS = ("port", "redis_port", "object_manager_port")


def as_typed(error: Exception, command: str) -> Exception:
    """A message about arguments of `rayx.init`, about the options of that command."""
    return type(error)(said_as_options(str(error), command))


def said_as_options(text: str, command: str) -> str:
    """The same of a text."""
    names = "|".join([*_NUMBERS, "node_ip_address"])
    text = re.sub(rf"\b({names})\b", lambda found: "--" + found[0].replace("_", "-"), text)
    text = re.sub(r"^resources\b|\bresources(?=\[)", "--resources", text)
    return text.replace("rayx.init", command)


def checked(options: Namespace, address: str | None, command: str) -> InitOptions:
    """What the node is to have; what was not said has the defaults of `rayx.init`."""
    given: dict[str, Any] = {name: number(getattr(options, name, None)) for name in _NUMBERS}
    given["resources"] = _resources(options.resources)
    given["node_ip_address"] = address
    try:
        return InitOptions.checked(**given)
    except (TypeError, ValueError) as error:
        raise as_typed(error, command) from None


def number(text: str | None) -> int | float | str | None:
    """As Python reads it; what is no number is left to who says so."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _resources(text: str | None) -> object:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(
            f"--resources must be JSON such as '{{\"disk\": 2}}', not {shown(text)}"
        ) from None


def span(name: str, text: str | None) -> int | None:
    """Milliseconds."""
    return None if text is None else milliseconds_of(name, text)


def port(options: Namespace) -> int:
    """0 if none was named."""
    given = {
        "--" + name.replace("_", "-"): getattr(options, name)
        for name in _PORTS
        if getattr(options, name, None) is not None
    }
    ports = {name: whole(name, number(text), 0, PORT_MAX) for name, text in given.items()}
    if len(set(ports.values())) > 1:
        told = " and ".join(f"{name}={port}" for name, port in ports.items())
        raise ValueError(f"{told} contradict each other: all are names of the session's one port")
    return next(iter(ports.values()), 0)
