"""`rayx start`: a session that belongs to no program, a cluster's head, or another node of one.

What its options mean is checked by what checks the arguments of `rayx.init`.

>>> said_as_options("num_cpus must be a number: rayx.init")
'--num-cpus must be a number: rayx start'
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from argparse import Namespace
from typing import Any, NoReturn

from rayx import errors
from rayx.command import reach, standing, start_words
from rayx.launch.init_options import InitOptions
from rayx.records.host_port import PORT_MAX
from rayx.records.session_records import SessionRecord
from rayx.text.quantities import whole
from rayx.text.spans import milliseconds_of
from rayx.text.value_text import shown

# Those that mean the same to `rayx.init`, where they are written with underscores.
_NUMBERS = ("num_redis_shards", "num_cpus", "num_gpus", "num_workers", "object_store_memory")
_PORTS = ("port", "redis_port", "object_manager_port")


def run(options: Namespace) -> int:
    """Starts it, and prints how to join it."""
    reach.refuse_contradictions(options)
    # Here, since a node that is started again has no more time by that.
    begun_ms, lifetime_ms = int(time.monotonic() * 1000), _span("--lifetime", options.lifetime)
    head, address = None, options.node_ip_address
    if options.redis_address is not None:
        head, found = reach.head_to_join(options.redis_address)
        address = found if address is None else address
    checked = _checked(options, address)
    where = reach.of(options, checked.node_ip_address, _port(options), head)
    where = where._replace(
        grace_ms=_span("--grace", options.grace),
        leave_at_ms=None if lifetime_ms is None else begun_ms + lifetime_ms,
    )
    reach.warn_if_insecure(where)
    try:
        record = standing.start(checked, where)
    except errors.StartError as error:
        _say(error)
    is_chosen = head is not None and options.node_ip_address is None
    told = start_words.told(record, is_chosen)
    if options.block:
        return _wait(record, told)
    print(told, flush=True)
    return 0


def said_as_options(text: str) -> str:
    """A message about arguments of `rayx.init`, about what was typed here."""
    names = "|".join([*_NUMBERS, "node_ip_address"])
    text = re.sub(rf"\b({names})\b", lambda found: "--" + found[0].replace("_", "-"), text)
    text = re.sub(r"^resources\b|\bresources(?=\[)", "--resources", text)
    return text.replace("rayx.init", "rayx start")


def _checked(options: Namespace, address: str | None) -> InitOptions:
    given: dict[str, Any] = {name: _number(getattr(options, name)) for name in _NUMBERS}
    given["resources"] = _resources(options.resources)
    given["node_ip_address"] = address
    try:
        return InitOptions.checked(**given)
    except (TypeError, ValueError) as error:
        _say(error)


def _say(error: Exception) -> NoReturn:
    raise type(error)(said_as_options(str(error))) from None


def _number(text: str | None) -> int | float | str | None:
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


def _span(name: str, text: str | None) -> int | None:
    return None if text is None else milliseconds_of(name, text)


def _port(options: Namespace) -> int:
    given = {
        "--" + name.replace("_", "-"): getattr(options, name)
        for name in _PORTS
        if getattr(options, name) is not None
    }
    ports = {name: whole(name, _number(text), 0, PORT_MAX) for name, text in given.items()}
    if len(set(ports.values())) > 1:
        told = " and ".join(f"{name}={port}" for name, port in ports.items())
        raise ValueError(f"{told} contradict each other: all are names of the session's one port")
    return next(iter(ports.values()), 0)


def _wait(record: SessionRecord, told: str) -> int:
    """Until it ends, or this program is told to.

    By the first SIGTERM a node that has joined a cluster is drained.
    """
    drained = False

    def end(number: int, frame: object) -> None:
        nonlocal drained
        if drained or not record.head:
            raise KeyboardInterrupt
        drained = True
        with contextlib.suppress(OSError):  # print() cannot be called from within itself
            os.write(1, f"The node at {record.address} is drained before it leaves.\n".encode())
        record.supervisor.send(signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        # Who has read it may say so at once.
        print(told, flush=True)
        while not record.supervisor.wait(3600):
            continue
    except KeyboardInterrupt:
        standing.stop(record)
        print(f"Stopped the {_what(record)} at {record.address}.", flush=True)
        return 0
    if drained and not record.path.exists():
        print(f"The node at {record.address} has left the cluster.", flush=True)
        return 0
    if not record.path.exists():  # somebody has stopped it
        print(f"The {_what(record)} at {record.address} was stopped.", flush=True)
        return 0
    print(f"rayx start: the {_what(record)} has ended: {record.why_it_ended()}", file=sys.stderr)
    return 1


def _what(record: SessionRecord) -> str:
    return "node" if record.head else "session"
